import type { SkbSocket } from "../../kernel/skb.ts";
import type { OptionReader } from "../option.ts";
import { type MatchModule, printOption } from "./module.ts";

/** A range of ids. */
export interface IdRange {
  readonly from: number;
  readonly to: number;
  readonly inverted: boolean;
}

/** `-m owner`: who owns the socket that sent a local packet. */
export interface OwnerMatch {
  readonly kind: "owner";
  readonly uid?: IdRange;
  readonly gid?: IdRange;
  readonly socketExists?: { readonly inverted: boolean };
  /** Supplementary groups count too; processes have none here. */
  readonly supplGroups?: true;
}

const maxId = 0xfffffffe;

function readIds(read: OptionReader): IdRange {
  const inverted = read.inverted();
  const text = read.value();
  // Other names are known to the node alone.
  const [from = "", to = from] = (text === "root" ? "0" : text).split("-");
  const range = { from: read.number(0, maxId, from), to: read.number(0, maxId, to), inverted };
  if (range.from > range.to) read.fail("BAD_RANGE", "the range ends before it begins");
  return range;
}

function printIds(option: string, range: IdRange | undefined): string[] {
  if (range === undefined) return [];
  return [printOption(range.inverted, option, range.from === range.to ? `${range.from}` : `${range.from}-${range.to}`)];
}

/** Nobody owns a socket of the kernel: its ids are none of the range. */
function holds(range: IdRange, id: number | undefined): boolean {
  return (id !== undefined && id >= range.from && id <= range.to) !== range.inverted;
}

function ownerText(socket: SkbSocket | undefined): string {
  if (socket === undefined) return "no local socket";
  return socket.uid === undefined ? "a socket of the kernel" : `uid ${socket.uid}, gid ${socket.gid}`;
}

export const owner: MatchModule<OwnerMatch> = {
  options: {
    "--uid-owner": (draft, read) => void (draft.uid = readIds(read)),
    "--gid-owner": (draft, read) => void (draft.gid = readIds(read)),
    "--suppl-groups": (draft) => void (draft.supplGroups = true),
    "--socket-exists": (draft, read) => void (draft.socketExists = { inverted: read.inverted() }),
  },
  start: () => ({ kind: "owner" }),
  finish(draft, read) {
    if (Object.keys(draft).length < 2)
      read.fail("MISSING_OPTION", "-m owner needs --uid-owner, --gid-owner or --socket-exists");
    return { ...draft, kind: "owner" };
  },
  print: ({ socketExists, uid, gid, supplGroups }) =>
    [
      ...(socketExists ? [`${socketExists.inverted ? "! " : ""}--socket-exists`] : []),
      ...printIds("--uid-owner", uid),
      ...printIds("--gid-owner", gid),
      ...(supplGroups ? ["--suppl-groups"] : []),
    ].join(" "),
  // owner_mt (net/netfilter/xt_owner.c): without a socket, each term must be inverted.
  matches({ uid, gid, socketExists }, { state: { skb } }) {
    const { socket } = skb;
    if (socket === undefined)
      return uid?.inverted !== false && gid?.inverted !== false && socketExists?.inverted !== false;
    if (socketExists?.inverted === true) return false;
    return (uid === undefined || holds(uid, socket.uid)) && (gid === undefined || holds(gid, socket.gid));
  },
  explain: (match, { state: { skb } }) => ({
    term: owner.print(match, "ipv4"),
    packet: ownerText(skb.socket),
  }),
};
