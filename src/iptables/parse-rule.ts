import { otherTargets } from "../trace/describe-rule.ts";
import type { Family } from "../wire/address.ts";
import { type Match, type MatchKind, kindByName, moduleOf } from "./matches/index.ts";
import { readAddresses, readInterface, readProtocol } from "./matches/ip.ts";
import { type Draft, type OptionHandler, OptionReader } from "./option.ts";
import type { Rule } from "./rule.ts";
import { type ModuleTarget, type Target, targetByName } from "./targets/index.ts";
import type { TargetModule } from "./targets/module.ts";
import type { Word } from "./words.ts";

/** A match whose options are still being read. */
interface OpenMatch {
  readonly kind: MatchKind;
  readonly draft: Draft<Match>;
}

type Part = Match | readonly Match[] | OpenMatch;

/** Which match an option such as `--dport` belongs to where only `-p` was given. */
const protocolMatches: Readonly<Record<number, MatchKind>> = {
  1: "icmp",
  6: "tcp",
  17: "udp",
  58: "icmp6",
  132: "sctp",
};

/**
 * Reads the arguments of a rule in any order that iptables takes. A list of addresses (`-s a,b`) makes several
 * rules. Throws a LineProblem.
 */
export function parseRule(words: readonly Word[], family: Family): Rule[] {
  const reader = new RuleReader(new OptionReader(family, words), family);
  return reader.rules();
}

class RuleReader {
  readonly #read: OptionReader;
  readonly #family: Family;
  readonly #parts: Part[] = [];
  #protocol: number | undefined;
  #target: Target | undefined;
  #openTarget: { readonly module: TargetModule<ModuleTarget>; readonly draft: Draft<ModuleTarget> } | undefined;

  constructor(read: OptionReader, family: Family) {
    this.#read = read;
    this.#family = family;
  }

  rules(): Rule[] {
    while (this.#read.more) {
      const option = this.#read.next();
      // `--proto` alone is short for `--protocol`; behind -m policy it is an option of that.
      if (this.#isOfMatch(option) || !this.#header(option)) this.#extension(option);
      this.#read.end(option);
    }
    const open = this.#openTarget;
    const target =
      this.#target ?? (open && (open.module.finish?.(open.draft, this.#read) ?? (open.draft as ModuleTarget)));
    const lists = this.#parts.map((part): readonly Match[] => {
      if (!("draft" in part)) return Array.isArray(part) ? part : [part as Match];
      return [moduleOf(part.kind).finish?.(part.draft, this.#read) ?? (part.draft as Match)];
    });
    if (
      lists.some((list) => list.length > 1) &&
      lists.some(([match]) => match !== undefined && isNegatedAddress(match))
    ) {
      this.#read.fail(
        "NO_NEGATION",
        "a list of addresses and a ! before an address do not go together: write one rule each",
      );
    }
    let rules: Match[][] = [[]];
    for (const list of lists) rules = rules.flatMap((matches) => list.map((match) => [...matches, match]));
    return rules.map((matches) => ({ matches, ...(target && { target }) }));
  }

  #isOfMatch(option: string): boolean {
    return (
      option === "--proto" &&
      this.#parts.some((part) => "draft" in part && Object.hasOwn(moduleOf(part.kind).options, option))
    );
  }

  /** Options of the rule itself. */
  #header(option: string): boolean {
    const read = this.#read;
    switch (option) {
      case "-s":
      case "--source":
      case "--src":
        this.#parts.push(readAddresses("source", read));
        return true;
      case "-d":
      case "--destination":
      case "--dst":
        this.#parts.push(readAddresses("destination", read));
        return true;
      case "-i":
      case "--in-interface":
        this.#parts.push(readInterface("in-interface", read));
        return true;
      case "-o":
      case "--out-interface":
        this.#parts.push(readInterface("out-interface", read));
        return true;
      case "-p":
      case "--protocol":
      case "--proto": {
        const protocol = readProtocol(read);
        if (!protocol.inverted) this.#protocol = protocol.number;
        this.#parts.push(protocol);
        return true;
      }
      case "-f":
      case "--fragment":
      case "--fragments":
        if (this.#family === "ipv6") read.fail("WRONG_FAMILY", "-f exists in IPv4 only");
        this.#parts.push({ kind: "fragment", inverted: read.inverted() });
        return true;
      case "-m":
      case "--match":
        this.#open(read.value());
        return true;
      case "-j":
      case "--jump":
        this.#jump(read.value());
        return true;
      case "-g":
      case "--goto":
        this.#target = { kind: "goto", chain: read.value() };
        return true;
      default:
        return false;
    }
  }

  #open(name: string): void {
    const kind = kindByName(name);
    if (kind === undefined) this.#parts.push({ kind: "unmodelled", name, args: this.#read.rest() });
    else this.#parts.push({ kind, draft: moduleOf(kind).start(this.#family) });
  }

  #jump(name: string): void {
    if (this.#target !== undefined || this.#openTarget !== undefined) {
      this.#read.fail("TWO_TARGETS", "a rule has one target: remove one of them");
    }
    const module = targetByName(name);
    if (module !== undefined) {
      this.#openTarget = { module, draft: module.start(this.#family) };
    } else if (otherTargets.has(name)) {
      this.#target = { kind: "unmodelled", name, args: this.#read.rest() };
    } else this.#target = { kind: "jump", chain: name };
  }

  /** An option of the target or of the match loaded last that knows it; `-p tcp` alone loads the tcp match. */
  #extension(option: string): void {
    const open = this.#openTarget;
    const own = open && handlerOf(open.module.options, option);
    if (open !== undefined && own !== undefined) return own(open.draft, this.#read);
    for (const part of this.#parts.toReversed()) {
      if (!("draft" in part)) continue;
      const handler = handlerOf(moduleOf(part.kind).options, option);
      if (handler !== undefined) return handler(part.draft, this.#read);
    }
    const kind = this.#protocol === undefined ? undefined : protocolMatches[this.#protocol];
    const handler = kind && handlerOf(moduleOf(kind).options, option);
    if (kind === undefined || handler === undefined) {
      return this.#read.fail(
        "UNKNOWN_OPTION",
        `no match or target of this rule knows ${option}: is a -m or -p missing?`,
      );
    }
    const part: OpenMatch = { kind, draft: moduleOf(kind).start(this.#family) };
    this.#parts.push(part);
    handler(part.draft, this.#read);
  }
}

function isNegatedAddress(match: Match): boolean {
  return (match.kind === "source" || match.kind === "destination") && match.inverted;
}

/** The handler of an option, which may be cut short as long as it stays unambiguous (getopt_long). */
function handlerOf<T>(
  options: Readonly<Record<string, OptionHandler<T>>>,
  option: string,
): OptionHandler<T> | undefined {
  if (Object.hasOwn(options, option)) return options[option];
  if (!option.startsWith("--") || option.length < 4) return undefined;
  const longer = Object.keys(options).filter((name) => name.startsWith(option));
  return longer.length === 1 ? options[longer[0] as string] : undefined;
}
