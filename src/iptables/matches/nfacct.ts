import type { MatchModule } from "./module.ts";

/** `-m nfacct --nfacct-name NAME`: counts, and always matches. */
export interface NfacctMatch {
  readonly kind: "nfacct";
  readonly name: string;
}

export const nfacct: MatchModule<NfacctMatch> = {
  options: { "--nfacct-name": (draft, read) => void (draft.name = read.value()) },
  start: () => ({ kind: "nfacct" }),
  finish: ({ name }, read) =>
    name === undefined ? read.fail("MISSING_OPTION", "-m nfacct needs --nfacct-name") : { kind: "nfacct", name },
  // Two blanks, as iptables-save prints it.
  print: (match) => `--nfacct-name  ${match.name}`,
  matches: () => true,
  explain: (match) => ({ term: nfacct.print(match, "ipv4"), packet: "anything" }),
};
