/**
 * Proves: names and texts are taken and refused as git hosting does.
 * Does not prove: that git itself takes every such branch; the rule follows its documentation.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  accountNameProblem,
  branchProblem,
  descriptionProblem,
  repositoryNameProblem,
} from "../../../node/chain/names.ts";

const cases: [string, (text: string) => string | undefined, good: string[], bad: string[]][] = [
  [
    "account name",
    accountNameProblem,
    ["a", "0", "alice", "a-b", "a-", "a".repeat(39)],
    ["", "-a", "A", "a_b", "a.b", "a/b", "é", " a", "a\n", "a".repeat(40)],
  ],
  [
    "repository name",
    repositoryNameProblem,
    ["a", "A.b_c-d", ".github", "_", "x".repeat(100), "git", "a.gitx"],
    ["", ".", "..", "-a", "a/b", "a b", "a.git", "a.GIT", ".git", "é", "a\n", "x".repeat(101)],
  ],
  [
    "description",
    descriptionProblem,
    ["", "One line, with é and 汉字", "x".repeat(1024)],
    ["two\nlines", "tab\t", "\u007f", "\0", "x".repeat(1025), "é".repeat(513)],
  ],
  [
    "branch",
    branchProblem,
    ["main", "feature/x", "a.b", "é", "release-1", "x@y"],
    [
      ...["", "@", "-a", "/a", "a/", "a//b", "a..b", "a.", ".a", "a/.b", "a.lock", "a.lock/b"],
      ...[
        "a b",
        "a~",
        "a^",
        "a:",
        "a?",
        "a*",
        "a[",
        "a\\",
        "a@{",
        "a\u007f",
        "a\n",
        "x".repeat(256),
      ],
    ],
  ],
];

for (const [what, problem, good, bad] of cases) {
  test(`a good ${what} has no problem`, () => {
    for (const text of good) assert.equal(problem(text), undefined, text);
  });
  test(`a bad ${what} has one`, () => {
    for (const text of bad) assert.equal(typeof problem(text), "string", JSON.stringify(text));
  });
}
