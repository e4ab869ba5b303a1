/** Rules for the names and texts in transactions: those of git hosting as people know it. */

const ACCOUNT_NAME = /^[a-z0-9][a-z0-9-]{0,38}$/;
const REPOSITORY_NAME = /^[A-Za-z0-9._][A-Za-z0-9._-]{0,99}$/;

/** Bytes of an account name in an encoding; names of the genesis may be longer than others. */
export const ACCOUNT_NAME_BYTES = 63;
export const REPOSITORY_NAME_BYTES = 100;
export const DESCRIPTION_BYTES = 1024;
export const BRANCH_BYTES = 255;

/** What is wrong with the name of a new account or owner. */
export function accountNameProblem(name: string): string | undefined {
  if (ACCOUNT_NAME.test(name)) return undefined;
  return `got the name "${name}", allowed: 1 to 39 of a-z, 0-9 and -, not starting with -`;
}

/** What is wrong with the name of a new repository. */
export function repositoryNameProblem(name: string): string | undefined {
  if (!REPOSITORY_NAME.test(name))
    return `got the name "${name}", allowed: 1 to 100 of a-z, A-Z, 0-9, ., _ and -, not starting with -`;
  if (name === "." || name === "..") return `got the name "${name}", which is a relative path`;
  if (/\.git$/i.test(name)) return `got the name "${name}", allowed: no ending .git`;
  return undefined;
}

/** What is wrong with a description. */
export function descriptionProblem(text: string): string | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes > DESCRIPTION_BYTES)
    return `got a description of ${bytes} bytes, allowed: up to ${DESCRIPTION_BYTES}`;
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(text))
    return "got a description with control characters, allowed: one line of text";
  return undefined;
}

/**
 * What is wrong with a branch name.
 *
 * @see https://git-scm.com/docs/git-check-ref-format
 */
export function branchProblem(name: string): string | undefined {
  const bytes = Buffer.byteLength(name);
  if (bytes < 1 || bytes > BRANCH_BYTES)
    return `got a branch name of ${bytes} bytes, allowed: 1 to ${BRANCH_BYTES}`;
  const wrong =
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^[/-]|[/.]$/.test(name) ||
    name === "@" ||
    name.split("/").some((part) => part.startsWith(".") || part.endsWith(".lock"));
  return wrong
    ? `got the branch name "${name}", allowed: what git check-ref-format takes`
    : undefined;
}
