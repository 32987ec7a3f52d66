/**
 * What some languages' grammar looks like to a reader without a model: the words of a question that ask rather than
 * tell, and the words that deny. A list is used for a text of its own language only, because one language's article is
 * another's noun (`die`, `car`, `men`).
 *
 * The lists are short on purpose: a missing function word costs an answer, a content word among them makes a wrong one.
 * English function words are those of the word space.
 */

import { foldLetters } from "../../util/letters.ts";

/** The words of a language, lower case and without marks on Latin letters. */
interface Language {
  /** Articles, prepositions, pronouns, auxiliaries and question words. */
  readonly functionWords: ReadonlySet<string>;
  readonly negations: ReadonlySet<string>;
}

const list = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

const table = {
  en: {
    functionWords: list(`
      hi hello hey dear thanks thank please so well ok okay tell remind us me just exactly again currently now still ever i'd we'd
      what's who's where's when's how's that's it's there's who'd could would should did does do is are was were has have had
      according per besides instead apart kind sort one ones anybody someone anyone somebody everyone nowadays today's`),
    negations: list(
      "not no never nobody nothing nowhere none neither nor without cannot except hardly don't doesn't",
    ),
  },
  de: {
    functionWords: list(`
      der die das den dem des ein eine einen einem einer eines und oder aber denn doch in im ins an am auf aus bei beim mit nach von vom vor zu
      zum zur uber unter fur um durch gegen ohne zwischen hinter neben seit bis ist sind war waren bin bist sein wird werden wurde wurden hat
      haben hatte hatten habe kann konnen konnte soll sollte muss will ich du er sie es wir ihr mich mir dich dir ihn ihm uns euch ihnen
      mein meine meinen meiner dein deine sein seine seinen seiner ihre ihren ihrer unser unsere wer was wo wann warum wieso weshalb wie wohin
      woher womit wem wen wessen welche welcher welches welchen welchem viel viele vielen denn mal bitte schon noch auch so da dort hier
      heisst heissen heiss gibt gab sich dass ob wenn als man jetzt gerade uhr sag sage sagen kannst konntest nochmal danke hallo`),
    negations: list("nicht kein keine keinen keinem keiner nie niemals niemand nichts ohne"),
  },
  fr: {
    functionWords: list(`
      le la les l un une des du de d au aux et ou mais en dans sur sous avec pour par chez vers entre est sont etait etaient etre ete a ai as
      ont avait avaient avoir je j tu il elle on nous vous ils elles me m te t se s lui leur leurs mon ma mes ton ta tes son sa ses notre
      nos votre vos ce c cet cette ces ca cela qui que qu quoi ou quand comment pourquoi combien quel quelle quels quelles lequel laquelle
      fait faire va vont peut y moi toi dis rappelle donc alors bien tres est-ce maintenant actuellement bonjour merci stp svp appelle appellent trouve trouvent peux dire`),
    negations: list("ne n pas jamais rien personne aucun aucune sans ni plus"),
  },
  es: {
    functionWords: list(`
      el la los las lo un una unos unas y o u pero de del a al en con por para sobre entre desde hasta hacia es son era eran fue fueron ser
      esta estan estaba estaban estar he ha han habia haber hay yo tu el ella nosotros ellos ellas usted ustedes me te se le les nos mi mis tu
      tus su sus nuestro nuestra este esta esto ese esa eso aquel que quien quienes cual cuales cuando donde adonde como cuanto cuanta cuantos
      cuantas porque hace tiene tienen tenia puede muy mas ya ahora actualmente dime hola gracias favor llama llaman llamo`),
    negations: list("no nunca jamas nadie nada ningun ninguna ninguno tampoco sin"),
  },
  it: {
    functionWords: list(`
      il lo la i gli le l un uno una e o ma di del dello della dei degli delle da dal dalla in nel nella nei nelle con su sul sulla per tra fra a
      al allo alla ai alle e sono era erano essere stato stata ho hai ha hanno aveva avere io tu lui lei noi voi loro mi ti si ci vi mio mia
      miei mie tuo tua suo sua suoi sue nostro nostra questo questa quello quella che chi cosa cui quale quali quando dove come quanto quanta
      quanti quante perche c'e c' cos'e dov'e piu gia ora adesso attualmente dimmi ciao grazie favore chiama chiamano fa`),
    negations: list("non mai nessuno nessuna niente nulla senza ne"),
  },
  pt: {
    functionWords: list(`
      o a os as um uma uns umas e ou mas de do da dos das em no na nos nas com por pelo pela para sobre entre ate desde ao aos e sao era eram foi
      foram ser esta estao estava estavam estar tem tinha ter ha eu tu ele ela nos voce voces eles elas me te se lhe meu minha seu sua nosso
      nossa este esta isto esse essa isso aquele que quem qual quais quando onde como quanto quanta quantos quantas porque muito mais ja
      agora atualmente diga ola obrigado chama chamam fica ficam`),
    negations: list("nao nunca jamais ninguem nada nenhum nenhuma sem"),
  },
  nl: {
    functionWords: list(`
      de het een en of maar in op aan uit bij met naar van voor om door over onder tussen achter tot te is zijn was waren ben bent wordt worden werd
      heeft hebben had hadden heb kan kunnen moet wil ik jij je hij zij ze wij we jullie mij me jou hem haar ons hun mijn jouw uw onze deze
      dit die dat wie wat waar wanneer waarom hoe hoeveel welke welk er nu nog ook dan zo wel al heet heten ligt staat hallo dank`),
    negations: list("niet geen nooit niemand niets zonder"),
  },
  pl: {
    functionWords: list(`
      i a o u w we z ze do na od po za przed pod nad przy dla bez oraz ale lub czy jest sa byl byla bylo byli byly byc bedzie ma maja mial miala
      miec ja ty on ona ono my wy oni one mnie mi mna cie ci go jego jej ich nas nam wam sie moj moja moje twoj twoja swoj ten ta to te tego tej tym
      kto co gdzie kiedy dlaczego czemu jak ile ilu jaki jaka jakie ktory ktora ktore czyj kogo komu czego dokad skad teraz juz jeszcze tez bardzo
      powiedz dzieki czesc prosze nazywa`),
    negations: list("nie nigdy nikt nic zaden zadna zadne bez"),
  },
  sv: {
    functionWords: list(`
      en ett den det de och eller men i pa av till fran med for om under over vid hos ar var vara blir blev har hade kan ska skulle vill jag du han hon
      vi ni dem mig dig honom henne oss er min mitt mina din ditt sin sitt sina var vart vem vad nar varfor hur vilken vilket vilka dar har nu
      heter finns hej tack att som et ei og eller av til fra med pa er blir ble hvor hvem hva hvad hvornar nar hvorfor hvordan hvilken hvilket
      hvilke jeg han hun mig meg deg min mit mitt din dit sin sit mange mycket manga som at hedder heter nu na`),
    negations: list("inte aldrig ingen inget inga utan ikke aldri aldrig ingenting"),
  },
  tr: {
    functionWords: list(`
      bir ve veya ama ile icin gibi kadar bu su o ben sen biz siz onlar beni seni onu bana sana ona bizim sizin benim senin onun nerede nereye
      nereden neresi ne neyi neden nicin nasil kim kimi kime kimin hangi hangisi kac kacta zaman var mi mu mı mü de da ki simdi daha cok
      en lutfen merhaba tesekkurler adi`),
    negations: list("degil yok hic hicbir asla"),
  },
  cs: {
    functionWords: list(`
      a i o u v ve z ze do na od po za pred pod nad pri pro bez ale nebo je jsou byl byla bylo byli byly byt bude ma maji mel mela ja ty on ona my vy
      oni me mi te ti ho jeho jeji jejich nas nam se si muj moje tvuj svuj ten ta to te kdo co kde kdy proc jak kolik jaky jaka jake ktery ktera
      ktere kam odkud koho komu ceho ted uz jeste taky velmi prosim diky ahoj jmenuje`),
    negations: list("ne neni nikdy nikdo nic zadny zadna bez"),
  },
  id: {
    functionWords: list(`
      yang di ke dari dan atau tapi dengan untuk pada oleh adalah ada itu ini saya aku kamu dia kami kita mereka apa siapa dimana mana kapan
      mengapa kenapa bagaimana berapa sudah akan sedang sekarang juga ya tolong halo terima kasih nya`),
    negations: list("tidak bukan belum jangan tak tanpa"),
  },
  vi: {
    functionWords: list(`
      la o tai cua va hoac nhung voi cho tu den trong tren duoi nay kia do toi ban anh chi em no chung ho ai gi nao dau khi bao gio tai sao vi
      the nhieu may co da dang se bay gio xin chao cam on`),
    negations: list("khong chua chang dung"),
  },
  ru: {
    functionWords: list(`
      и а но или что чтобы в во на к ко с со у о об от до из за под над при про по для без через между перед это этот эта эти тот та те то
      я ты он она оно мы вы они меня мне тебя тебе его ему её ее ей их им нас нам вас вам мой моя моё мои твой твоя свой наш ваш кто кого кому
      чей где куда откуда когда почему зачем как сколько какой какая какое какие каком какую который которая чего чем есть был была было
      были быть будет ли же бы уже ещё еще там тут здесь сейчас теперь очень скажи подскажи привет спасибо пожалуйста зовут`),
    negations: list("не нет ни никогда никто ничего нигде нельзя"),
  },
  uk: {
    functionWords: list(`
      і й та а але або що щоб в у на до з із зі від по за під над при про для без через між перед це цей ця ці той та те я ти він вона воно ми ви
      вони мене мені тебе тобі його йому її їй їх їм нас нам мій моя моє твій твоя свій хто кого кому чий де куди звідки коли чому навіщо як
      скільки який яка яке які чого чим є був була було були бути буде чи вже ще там тут зараз тепер дуже скажи привіт дякую звати`),
    negations: list("не ні ніколи ніхто нічого ніде"),
  },
  el: {
    functionWords: list(`
      ο η το οι τα τον την του της των ένα ένας μια και ή αλλά σε στο στη στην στον στα με από για προς είναι ήταν έχει είχε εγώ εσύ αυτός αυτή
      αυτό εμείς εσείς μου σου του της μας σας τους ποιος ποια ποιο ποιοι τι πού που πότε γιατί πώς πως πόσο πόσα πόσοι πόσες τώρα`),
    negations: list("δεν δε μην ποτέ κανείς κανένας τίποτα χωρίς"),
  },
  ar: {
    functionWords: list(`
      في من إلى الى على عن مع ب ل و أو او ثم هو هي هم هن أنا انا نحن أنت انت هذا هذه ذلك تلك التي الذي كان كانت يكون تكون قد لقد ما ماذا من
      أين اين متى لماذا كيف كم هل أي اي أية يوجد توجد الآن الان أن ان إن`),
    negations: list("لا لم لن ليس ليست غير بدون أبدا"),
  },
  he: {
    functionWords: list(
      "של את על עם אל מן הוא היא הם הן אני אתה אנחנו זה זאת זו אלה מה מי איפה היכן מתי למה מדוע איך כמה איזה איזו האם יש היה הייתה היו עכשיו",
    ),
    negations: list("לא אין אף בלי מעולם"),
  },
  hi: {
    functionWords: list(`
      का की के को में से पर ने और या लेकिन है हैं था थी थे हो होगा यह वह ये वे मैं तुम आप हम मेरा मेरी मेरे उसका उसकी उनका क्या कौन कहाँ कहां
      कब क्यों कैसे कितना कितने कितनी किस किसने किसका कौनसा अब भी ही तो`),
    negations: list("नहीं मत कभी बिना न"),
  },
} satisfies Record<string, Language>;

/** A language whose function words are known. */
export type LanguageCode = keyof typeof table | "zh" | "ja" | "ko" | "th";

/** Grammar of scripts that are searched by bigrams: question words, copulas and endings, the longest first. */
const phrases: readonly (readonly [LanguageCode, RegExp])[] = [
  [
    "ja",
    /どこですか|どこにありますか|どこに?ある|ありますか|ありました|あります|いますか|います|でしたか|でした|ですか|です|ましたか|ました|ませんか|ますか|ません|ます|どこ|いつ|だれ|誰|なぜ|どうして|どうやって|どの|どれ|どう|どんな|いくつ|いくら|なに|何時|何|のは|のか|という|教えて|ください/gu,
  ],
  [
    "ko",
    /어디에?서?|언제|누구의?|누가|무엇을?|무슨|뭐|왜|어떻게|어느|어떤|몇|얼마나?|있습니까|있나요|있어요?|있습니다|있다|있었|입니까|인가요|예요|이에요|습니까|했나요|했어요?|나요|습니다|합니다|알려/gu,
  ],
  [
    "th",
    /ที่ไหน|อยู่|เมื่อไหร่|เมื่อไร|ใคร|อะไร|ทำไม|อย่างไร|ยังไง|เท่าไหร่|เท่าไร|กี่|ไหม|หรือเปล่า|ครับ|ค่ะ|คะ|ของ|ที่|ใน|บน|ใต้|และ|เป็น|คือ|ได้/gu,
  ],
  [
    "zh",
    /什么时候|什麼時候|为什么|為什麼|什么|什麼|怎么样|怎么|怎麼|哪里|哪裡|哪儿|哪个|哪|谁|誰|多少|几个|几点|几|幾|吗|嗎|呢|请问|告诉|现在|现|叫/gu,
  ],
];

const scripts: readonly (readonly [LanguageCode, RegExp])[] = [
  ["ko", /\p{Script=Hangul}/u],
  ["ja", /[\p{Script=Hiragana}\p{Script=Katakana}]/u],
  ["th", /\p{Script=Thai}/u],
  ["zh", /\p{Script=Han}/u],
  ["el", /\p{Script=Greek}/u],
  ["ar", /\p{Script=Arabic}/u],
  ["he", /\p{Script=Hebrew}/u],
  ["hi", /\p{Script=Devanagari}/u],
];

/**
 * The language of a short text: by its script, otherwise the one with most of its function words. English where
 * nothing tells.
 * @param words its words, lower case, without marks on Latin letters
 */
export function languageOf(text: string, words: readonly string[]): LanguageCode {
  const byScript = scripts.find(([, script]) => script.test(text));
  if (byScript) return byScript[0];
  const isCyrillic = /\p{Script=Cyrillic}/u.test(text);
  let [best, most] = [isCyrillic ? "ru" : "en", 0] as [LanguageCode, number];
  for (const [code, { functionWords, negations }] of Object.entries(table) as [LanguageCode, Language][]) {
    const isEnglish = code === "en";
    const held = words.filter(
      (word) => functionWords.has(word) || negations.has(word) || (isEnglish && commonEnglish.has(word)),
    ).length;
    if (held > most) [best, most] = [code, held];
  }
  return best;
}

/** English words that tell the language of a text. */
const commonEnglish = list(`
  the a an of to in on at for with by from and or but this that these those what who whom whose where when why how which many much
  i you he she it we they my your his her its our their me him them is are was were be been do does did has have had can could will would
  should about after before into over under there here not`);

/** Whether a word only asks or joins in a language. @param word lower case, without marks on Latin letters */
export function isFunctionWord(word: string, language: LanguageCode): boolean {
  const own = (table as Partial<Record<LanguageCode, Language>>)[language];
  return own !== undefined && (own.functionWords.has(word) || own.negations.has(word));
}

/** Whether a word says nothing of what a text is about, in a language or in English. @param word as `isFunctionWord` */
export function isGrammar(word: string, language: LanguageCode): boolean {
  return isFunctionWord(word, language) || isFunctionWord(word, "en") || commonEnglish.has(word);
}

/** A text of a script searched by bigrams without its grammar; other texts unchanged. */
export function withoutPhrases(text: string, language: LanguageCode): string {
  const own = phrases.find(([code]) => code === language);
  return own ? text.replace(own[1], " ") : text;
}

const bigramNegation = /不|没|沒|别|別|未|無|无|ない|ません|なかった|않|안 |못|없|ไม่/u;
const contraction = /n['’]t\b/i;

/** What denies nothing: "not only", "at no cost". */
const notOnly =
  /\b(?:not (?:just|only|merely|simply)|(?:at|for) no (?:extra |additional )?(?:charge|cost)|nicht nur|pas (?:que|seulement)|no s[óo]lo|no solamente|non solo|n[ãa]o s[óo]|niet alleen|nie tylko)\b|не только|не тільки|不只|不仅|不僅|不止|だけで(?:は)?な[いく]/giu;

/** Whether a text denies something. @param words its words, lower case, without marks on Latin letters */
export function isNegated(text: string, words: readonly string[], language: LanguageCode): boolean {
  const rest = text.replace(notOnly, " ");
  if (rest !== text) return isNegated(rest, foldLetters(rest).match(/[\p{L}\p{M}]+/gu) ?? [], language);
  if (contraction.test(text)) return true;
  const own = (table as Partial<Record<LanguageCode, Language>>)[language];
  if (!own) return bigramNegation.test(text);
  // French says "no longer" with a word that alone means "more".
  return words.some(
    (word) => own.negations.has(word) && !(language === "fr" && word === "plus" && !words.includes("ne")),
  );
}

const whenPhrases = list(
  "when wann quand cuando quando wanneer kiedy nar hvornar kdy kapan когда коли πότε متى מתי कब",
);
const whenInBigrams = /いつ|何時|언제|몇 시|เมื่อไหร่|เมื่อไร|什么时候|什麼時候|几点|幾點|何时/u;

/** Whether a question asks for a moment. @param words its words, lower case, without marks on Latin letters */
export function asksWhen(text: string, words: readonly string[]): boolean {
  return (
    words.some((word) => whenPhrases.has(word)) ||
    whenInBigrams.test(text) ||
    /\b(?:what|which) (?:time|day|date|moment|hour|month|year|weekday)\b|ne zaman|bao gio|khi nao|um wie viel uhr|a que hora|a quelle heure|o której/i.test(
      words.join(" "),
    )
  );
}
