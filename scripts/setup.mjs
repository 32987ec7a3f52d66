// Makes a fresh checkout ready, and does nothing on one that is: packages from the lock file, ffmpeg and tesseract.
// Plain JavaScript that runs on the Node the machine has; everything after it runs on the Node pinned in package.json.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const windows = process.platform === "win32";

installPackages();
installPrograms();

function installPackages() {
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
  const stamp = join(root, "node_modules", ".taskmem-setup");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  say("installing packages from package-lock.json");
  run(windows ? "npm.cmd" : "npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
  writeFileSync(stamp, wanted);
}

function installPrograms() {
  const programs = [
    { name: "ffmpeg", probe: ["-version"], apt: ["ffmpeg"], brew: "ffmpeg", winget: "Gyan.FFmpeg" },
    {
      name: "tesseract",
      probe: ["--version"],
      apt: ["tesseract-ocr"],
      brew: "tesseract",
      winget: "UB-Mannheim.TesseractOCR",
    },
  ];
  const missing = programs.filter(
    ({ name, probe }) => !works(process.env[`${name.toUpperCase()}_PATH`] || name, probe),
  );
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(" and ");
  const packages = missing.flatMap(({ apt }) => apt);
  if (process.platform === "linux" && works("apt-get", ["--version"]) && process.getuid?.() === 0) {
    say(`installing ${names} with apt`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    run("apt-get", quiet("update"), env);
    run("apt-get", quiet("install", "-y", "--no-install-recommends", ...packages), env);
    return;
  }
  const line =
    process.platform === "darwin"
      ? `brew install ${missing.map(({ brew }) => brew).join(" ")}`
      : windows
        ? missing.map(({ winget }) => `winget install ${winget}`).join("; ")
        : `sudo apt-get update && sudo apt-get install -y ${packages.join(" ")}`;
  console.error(
    `taskmem set-up: ${names} missing. Run this one line, then the same command again:\n\n  ${line}\n`,
  );
  process.exit(1);
}

/** apt that says only what went wrong. */
function quiet(...args) {
  return ["-qq", "-o", "Dpkg::Use-Pty=0", "-o", "quiet::ReadDatabase=0", ...args];
}

function works(program, args) {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

function run(program, args, env = process.env) {
  try {
    // What these print is progress: stdout belongs to the command that follows, and dpkg's is of no use to anyone.
    const chatter = program === "apt-get" ? "ignore" : 2;
    execFileSync(program, args, { cwd: root, env, stdio: ["ignore", chatter, 2], shell: windows });
  } catch (error) {
    console.error(
      `taskmem set-up: \`${program} ${args.join(" ")}\` failed (${error.message.split("\n")[0]})`,
    );
    process.exit(1);
  }
}

function say(what) {
  console.error(`taskmem set-up: ${what}`);
}
