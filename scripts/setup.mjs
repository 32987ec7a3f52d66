// Makes a fresh checkout ready, and does nothing on one that is: packages from the lock file, ffmpeg and tesseract.
// Plain JavaScript for whatever Node the machine has; everything after it runs on the Node pinned in package.json.
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
    run("apt-get", ["update", "-qq"], env);
    run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], env);
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

function works(program, args) {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

function run(program, args, env = process.env) {
  try {
    // What these print is progress, so it goes to stderr: stdout belongs to the command that follows.
    execFileSync(program, args, { cwd: root, env, stdio: ["ignore", 2, 2], shell: windows });
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
