/** One line of the kernel's rule trace: where in the tables, and the packet as it is there. */
export interface RuleEvent {
  readonly table: string;
  readonly chain: string;
  readonly action: "rule" | "return" | "policy";
  /** 1-based. */
  readonly number: number;
  readonly mark: number;
  /** Interface indexes. */
  readonly inDevice?: number;
  readonly outDevice?: number;
  readonly physInDevice?: number;
  readonly physOutDevice?: number;
  /** The IP packet. */
  readonly payload: Buffer;
}

/** Attributes of a log message: include/uapi/linux/netfilter/nfnetlink_log.h (nfulnl_attr_type). */
const attributes = {
  mark: 2,
  inDevice: 4,
  outDevice: 5,
  physInDevice: 6,
  physOutDevice: 7,
  payload: 9,
  prefix: 10,
} as const;

/** Family, version, resource: before the attributes (LINKTYPE_NFLOG). */
const headerBytes = 4;

/** Reads a packet of tcpdump's nflog device; undefined when it is no line of a rule trace. */
export function readRuleEvent(bytes: Buffer): RuleEvent | undefined {
  const found = new Map<number, Buffer>();
  for (let at = headerBytes; at + 4 <= bytes.length;) {
    const length = bytes.readUInt16LE(at);
    if (length < 4) break;
    found.set(bytes.readUInt16LE(at + 2), bytes.subarray(at + 4, at + length));
    at += (length + 3) & ~3;
  }
  const prefix = found.get(attributes.prefix)?.toString("latin1").replace(/\0.*$/s, "") ?? "";
  const match = /^TRACE: (\w+):(\S+):(rule|return|policy):(\d+)\s*$/.exec(prefix);
  const payload = found.get(attributes.payload);
  if (match === null || payload === undefined) return undefined;
  const number = (attribute: number): number | undefined => found.get(attribute)?.readUInt32BE(0);
  const device = (key: "inDevice" | "outDevice" | "physInDevice" | "physOutDevice"): object => {
    const index = number(attributes[key]);
    return index === undefined ? {} : { [key]: index };
  };
  return {
    table: match[1] as string,
    chain: match[2] as string,
    action: match[3] as RuleEvent["action"],
    number: Number(match[4]),
    mark: number(attributes.mark) ?? 0,
    ...device("inDevice"),
    ...device("outDevice"),
    ...device("physInDevice"),
    ...device("physOutDevice"),
    payload,
  };
}
