import { quote } from "../words.ts";
import type { MatchModule } from "./module.ts";

/** `-m comment --comment TEXT`. */
export interface CommentMatch {
  readonly kind: "comment";
  readonly comment: string;
}

export const comment: MatchModule<CommentMatch> = {
  options: {
    "--comment"(draft, read) {
      draft.comment = read.value();
      // XT_MAX_COMMENT_LEN, with the terminating zero.
      if (utf8Length(draft.comment) > 255) {
        read.fail("COMMENT_TOO_LONG", "a comment has at most 255 bytes");
      }
    },
  },
  start: () => ({ kind: "comment" }),
  finish: (draft, read) =>
    draft.comment === undefined
      ? read.fail("MISSING_OPTION", "-m comment needs --comment")
      : { kind: "comment", comment: draft.comment },
  print: (match) => `--comment ${quote(match.comment)}`,
  matches: () => true,
  explain: (match) => ({ term: comment.print(match), packet: "anything" }),
};

function utf8Length(text: string): number {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return length;
}
