// Usage: node build.mjs PACKAGES WIT OUTPUT, where PACKAGES has `node_modules`.

import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [packages, witPath, output] = process.argv.slice(2);
const folder = resolve(packages, "node_modules/@bytecodealliance/componentize-js");
const { componentize } = await import(pathToFileURL(resolve(folder, "src/componentize.js")));

const { component } = await componentize({
  sourcePath: "src/app.js",
  witPath,
  worldName: "consumer",
});
await writeFile(output, component);
