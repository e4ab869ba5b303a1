/**
 * Proves that a command line is read as documented and that a wrong one is refused with the word that
 * is wrong and what is allowed. Does not prove what the commands do with it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Command, shared, UsageError } from "../../../infra/cli/command.ts";
import { commandHelp } from "../../../infra/cli/help.ts";
import { parseWords } from "../../../infra/cli/parse.ts";

const command: Command = {
  name: "up",
  summary: "bring a network up",
  details: [],
  options: { json: shared.json, yes: shared.yes, engine: shared.engine },
  examples: [["guts up", "bring up the stack `local`"]],
  run: () => Promise.resolve(0),
};
const withRest: Command = { ...command, name: "logs", rest: "[node]" };

test("the stack is local when none is named", () => {
  const { stack, rest, help } = parseWords(command, []);
  assert.deepEqual({ stack, rest, help }, { stack: "local", rest: [], help: false });
});

test("options may stand before and after the stack", () => {
  const { stack, options } = parseWords(command, ["--engine", "embedded", "staging", "-y"]);
  assert.equal(stack, "staging");
  assert.equal(options.text("engine"), "embedded");
  assert.equal(options.flag("yes"), true);
  assert.equal(options.flag("json"), false);
});

test("a name after the stack is for the commands that take one", () => {
  assert.deepEqual(parseWords(withRest, ["local", "local-validator-1"]).rest, [
    "local-validator-1",
  ]);
});

const refusals: readonly (readonly [words: string[], message: string])[] = [
  [["--enigne", "x"], "unknown option --enigne, did you mean --engine?; see guts up --help"],
  [["--frobnicate"], "unknown option --frobnicate; see guts up --help"],
  [["--constructor"], "unknown option --constructor; see guts up --help"],
  [["-x"], "unknown option -x; see guts up --help"],
  [["--json=yes"], 'got "yes" for --json, allowed: no value, see guts up --help'],
  [["--engine"], "got no value for --engine, allowed: pulumi or embedded, see guts up --help"],
  [
    ["--engine=terraform"],
    'got "terraform" for --engine, allowed: pulumi or embedded, see guts up --help',
  ],
  [
    ["local", "extra"],
    'got "extra" after the stack name, allowed: options only, see guts up --help',
  ],
];
for (const [words, message] of refusals)
  test(`refuses: ${words.join(" ")}`, () => {
    assert.throws(() => parseWords(command, words), new UsageError(message));
  });

test("the help of a command names its options and examples", () => {
  const text = commandHelp(command).join("\n");
  for (const part of ["--json", "-y, --yes", "--engine pulumi|embedded", "guts up  bring up"])
    assert.ok(text.includes(part), part);
});
