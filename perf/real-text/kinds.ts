/**
 * Kinds of questions about an ordinary life. Five questions of a kind teach, five others measure, and a list of words
 * that is no judge: it only tells whether a text speaks of the kind.
 */
import type { Question } from "../../src/tasks/task.ts";

/** A kind of question. */
export interface Kind {
  readonly name: string;
  /** What a lesson is given. */
  readonly taught: readonly Question[];
  /** What relevance is measured by; no lesson sees them. */
  readonly unseen: readonly Question[];
  /** Words of the kind. */
  readonly words: ReadonlySet<string>;
  /** Those of them that stand in no question. */
  readonly unasked: ReadonlySet<string>;
}

export const kinds: readonly Kind[] = [
  kindOf(
    "food",
    [
      "What did we eat and drink?",
      "Which food was taken out of the fridge?",
      "Which ingredients did we cook with?",
      "What was in the bowl or on the plate?",
      "Who ate the cake, the fruit or the snacks?",
    ],
    [
      "What was there for breakfast, lunch or dinner?",
      "How did the dish taste?",
      "Which drinks were poured?",
      "What was boiled, fried or baked in the kitchen?",
      "Which meat or vegetables were on the table?",
    ],
    `eat eats eating ate food drink drinks drinking drank water tea coffee milk juice cup bowl plate noodle noodles rice
    soup cake fruit grape grapes apple apples egg eggs meat beef pork lamb chicken fish shrimp vegetable vegetables
    dumpling dumplings pizza burger burgers bread snack snacks salt sugar sauce cook cooking cooked chopsticks spoon
    fork hotpot barbecue breakfast lunch dinner meal fridge refrigerator wine beer yogurt strawberry strawberries
    watermelon banana chocolate candy potato potatoes chips cream tofu onion garlic pepper ingredient ingredients dish
    dishes flour dough butter cheese tomato cucumber mango durian pineapple cola ramen takeout bite chewing taste tasty
    delicious hungry fry fried boil boiled bake baked`,
  ),
  kindOf(
    "devices",
    [
      "What did I do with my phone?",
      "What was on the screen of the computer?",
      "Where is the camera, and who is filming?",
      "Was the charger or the cable plugged in?",
      "Who used the laptop?",
    ],
    [
      "Which app or software was opened?",
      "Did the recording device still have power?",
      "What was downloaded or uploaded?",
      "Which photos and videos were taken?",
      "What was wrong with the glasses, the headset or the microphone?",
    ],
    `phone phones cellphone computer computers laptop laptops screen screens camera cameras keyboard touchpad charger
    charging charge cable cables usb app apps video videos headphone headphones headset earphone earphones tablet ipad
    software wechat battery batteries powerbank filming film recording record photo photos photograph stopwatch drive
    monitor projector tv television wifi bluetooth microphone remote socket plug plugged glasses timer code swipe swiped
    typing type download upload website click clicked`,
  ),
  kindOf(
    "money",
    [
      "How much did it cost?",
      "What did we buy in the supermarket?",
      "Who paid the bill?",
      "Which order was placed, and when does it come?",
      "Was it cheap or expensive?",
    ],
    [
      "What is the price of these things?",
      "How many pieces should we purchase?",
      "What was put into the shopping cart?",
      "How much money did we spend?",
      "What did the shop or the market sell?",
    ],
    `buy buys buying bought pay pays paying paid price prices cost costs money yuan cheap cheaper expensive supermarket
    shop shops shopping store market order ordered orders bill cart discount refund sell sells sold spend spent cash
    checkout receipt budget delivery package packages purchase bucks dollar dollars afford ticket tickets hundred
    thousand pieces`,
  ),
  kindOf(
    "play",
    [
      "Which song was sung or played?",
      "What game did we play?",
      "Who danced?",
      "Who won the match?",
      "Which instrument was practised?",
    ],
    [
      "What music was heard?",
      "Who played the piano or the guitar?",
      "What are the rules, and who lost?",
      "Which performance was shown?",
      "What puzzle or toy was on the table?",
    ],
    `song songs sing sings singing sang music game games play plays playing played dance dances dancing danced piano
    guitar drum drums beat rhythm lyrics melody tune win won winner lose lost score match ball balls card cards puzzle
    puzzles toy toys chess team round rules rule perform performance performing stage rehearse rehearsal practice
    practise concert show violin ukulele flute`,
  ),
];

function kindOf(name: string, taught: readonly string[], unseen: readonly string[], list: string): Kind {
  const words = new Set(list.split(/\s+/));
  const asked = new Set([...taught, ...unseen].flatMap(wordsOf));
  return {
    ...{ name, taught: taught.map(asQuestion), unseen: unseen.map(asQuestion), words },
    unasked: new Set([...words].filter((word) => !asked.has(word))),
  };
}

function asQuestion(text: string): Question {
  return { text, options: [] };
}

/** The words of a text in lower case. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9']+/g) ?? [];
}

/** Whether a text holds one of some words. */
export function speaksOf(text: string, words: ReadonlySet<string>): boolean {
  return wordsOf(text).some((word) => words.has(word));
}
