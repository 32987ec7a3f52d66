/** Files below a folder, through links, each folder once: links that lead in a circle end nowhere. */
import { readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * Paths of all files below a folder, in order, and of what could not be opened there (links to nothing, folders without
 * permission). A link counts as what it points to; a folder that is read under its own name is not read through a link.
 * @throws the system's error where the folder itself cannot be read
 */
export function filesBelow(root: string): { files: string[]; unreadable: string[] } {
  const files: string[] = [];
  const unreadable: string[] = [];
  const links: string[] = [];
  const read = new Set<string>();
  const readFolder = (path: string) => {
    const real = realpathSync(path);
    if (read.has(real)) return;
    read.add(real);
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const below = join(path, entry.name);
      if (entry.isSymbolicLink()) links.push(below);
      else if (entry.isDirectory()) tryTo(below, readFolder);
      else if (entry.isFile()) files.push(below);
    }
  };
  const readLink = (path: string) => {
    const target = statSync(path);
    if (target.isFile()) files.push(path);
    else if (target.isDirectory()) readFolder(path);
  };
  const tryTo = (path: string, act: (path: string) => void) => {
    try {
      act(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      unreadable.push(path);
    }
  };
  readFolder(root);
  for (const link of links) tryTo(link, readLink); // grows by the links in linked folders
  return { files: files.sort(), unreadable };
}
