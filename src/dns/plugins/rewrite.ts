import type { DnsMessage, DnsRecord } from "../../wire/dns.ts";
import type { Token } from "../coredns/corefile.ts";
import type { DnsPlugin, PluginContext } from "../coredns/plugin.ts";
import { absolute, isTooLong } from "../names.ts";
import { goPattern, withGroups } from "./pattern.ts";

type Change = (text: string) => string;

/** What happens to the reply's records once a rule has changed the question. */
interface ReplyRule {
  readonly part: "name" | "value";
  readonly change: Change;
}

interface Rule {
  readonly stops: boolean;
  /** The new name; undefined where the rule does not match. */
  readonly rename: (name: string) => string | undefined;
  /** By the name before and after. */
  readonly replyRules: (from: string, to: string) => readonly ReplyRule[];
}

const matchTypes: ReadonlySet<string> = new Set(["exact", "prefix", "suffix", "substring", "regex"]);
const otherFields: ReadonlySet<string> = new Set(["type", "class", "edns0", "ttl", "cname", "rcode"]);

/**
 * `rewrite [continue|stop] name [exact|prefix|suffix|substring|regex] FROM TO [answer ...]`: asks the rest of the chain
 * for another name. The reply carries the question as it was asked; its records are renamed back by an exact rule and
 * by `answer`. Rules for other fields give unknown. CoreDNS plugin/rewrite.
 */
export const rewrite: DnsPlugin = {
  name: "rewrite",
  setup(directives, context) {
    let unmodelled: string | undefined;
    const rules = directives.flatMap(({ name, args, block }) => {
      const words = [...args, ...(block ?? []).flatMap((line) => [line.name, ...line.args])];
      const stops = words[0]?.text !== "continue";
      if (words[0]?.text === "continue" || words[0]?.text === "stop") words.shift();
      const field = words.shift() ?? name;
      if (field.text === "name") return readRule(words, field, stops, context) ?? [];
      if (otherFields.has(field.text)) unmodelled = field.text;
      else context.problem("COREFILE_ARGUMENT", field, `rewrite has no rule for '${field.text}'`);
      return [];
    });

    return function* (request, next) {
      if (unmodelled !== undefined) {
        return { kind: "unknown", reason: `rules of CoreDNS's rewrite plugin for ${unmodelled} are not modelled` };
      }
      const { question } = request.query;
      let { name } = question;
      const replyRules: ReplyRule[] = [];
      let changed = false;
      for (const rule of rules) {
        const renamed = rule.rename(name.toLowerCase());
        if (renamed === undefined) continue;
        replyRules.push(...rule.replyRules(name.toLowerCase(), renamed));
        name = renamed;
        changed = true;
        if (rule.stops) break;
      }
      if (!changed) return yield* next(request);
      if (name.includes("..") || isTooLong(name)) return { kind: "failed", rcode: "SERVFAIL" };
      request.note({ plugin: "rewrite", text: `asks for ${name} instead of ${question.name}` });
      const served = yield* next({ ...request, query: { ...request.query, question: { ...question, name } } });
      if (served.kind !== "reply") return served;
      return { kind: "reply", message: { ...rewritten(served.message, replyRules), question } };
    };
  },
};

function readRule(words: readonly Token[], at: Token, stops: boolean, context: PluginContext): Rule | undefined {
  const [first, second, third] = words;
  if (first === undefined || second === undefined) {
    context.problem("COREFILE_ARGUMENT", at, "a name rule needs FROM and TO");
    return undefined;
  }
  if (third === undefined) return nameRule("exact", first, second, [], stops, context);
  if (matchTypes.has(first.text)) return nameRule(first.text, second, third, words.slice(3), stops, context);
  context.problem("COREFILE_ARGUMENT", first, `a name rule is ${[...matchTypes].join(", ")}, not '${first.text}'`);
  return undefined;
}

function nameRule(
  type: string,
  fromToken: Token,
  toToken: Token,
  rest: readonly Token[],
  stops: boolean,
  context: PluginContext,
): Rule | undefined {
  // Whatever it is, it is made a whole name: `prefix foo` is `foo.` and does not match foobar. plugin/normalize.go
  const from = absolute(fromToken.text.toLowerCase());
  const to = absolute(toToken.text.toLowerCase());
  const answer = readAnswerRules(rest, context);
  const pattern = type === "regex" ? patternOf(fromToken, context) : undefined;
  if (answer === undefined || (type === "regex" && pattern === undefined)) return undefined;
  const { rules, auto } = answer;
  const back = (change: Change): readonly ReplyRule[] => [
    { part: "name", change },
    { part: "value", change },
    ...rules,
  ];
  const automatic = (before: string, after: string): readonly ReplyRule[] =>
    auto || type === "exact" ? back((text) => remap(text, after, before)) : rules;
  switch (type) {
    case "exact":
      return { stops, rename: (name) => (name === from ? to : undefined), replyRules: automatic };
    case "prefix": {
      const rename = (name: string): string | undefined =>
        name.startsWith(from) ? to + name.slice(from.length) : undefined;
      return { stops, rename, replyRules: automatic };
    }
    case "suffix": {
      const swap = (text: string, end: string, other: string): string | undefined =>
        text.endsWith(end) ? text.slice(0, text.length - end.length) + other : undefined;
      const replyRules = auto ? back((text) => swap(text, to, from) ?? text) : rules;
      return { stops, rename: (name) => swap(name, from, to), replyRules: () => replyRules };
    }
    case "substring": {
      const rename = (name: string): string | undefined =>
        name.includes(from) ? name.replaceAll(from, to) : undefined;
      return { stops, rename, replyRules: automatic };
    }
    default: {
      const rename = (name: string): string | undefined => {
        const groups = pattern?.exec(name);
        return groups === null || groups === undefined ? undefined : withGroups(to, groups);
      };
      return { stops, rename, replyRules: automatic };
    }
  }
}

/** `answer auto`, `answer name FROM TO`, `answer value FROM TO`, any number of them. */
function readAnswerRules(
  words: readonly Token[],
  context: PluginContext,
): { readonly rules: readonly ReplyRule[]; readonly auto: boolean } | undefined {
  const left = [...words];
  const rules: ReplyRule[] = [];
  let auto = false;
  while (left.length > 0) {
    const at = left.shift() as Token;
    const part = at.text === "answer" ? left.shift() : at;
    if (part?.text === "auto") {
      auto = true;
      continue;
    }
    const [from, to] = left.splice(0, 2);
    if ((part?.text !== "name" && part?.text !== "value") || from === undefined || to === undefined) {
      context.problem("COREFILE_ARGUMENT", at, "write 'answer auto', 'answer name FROM TO' or 'answer value FROM TO'");
      return undefined;
    }
    const pattern = patternOf(from, context);
    if (pattern === undefined) return undefined;
    const replacement = absolute(to.text.toLowerCase());
    const change: Change = (text) => {
      const groups = pattern.exec(text);
      return groups === null ? text : withGroups(replacement, groups);
    };
    rules.push({ part: part.text, change });
  }
  return { rules, auto };
}

function patternOf(token: Token, context: PluginContext): RegExp | undefined {
  const pattern = goPattern(token.text);
  if (pattern === undefined)
    context.problem("COREFILE_ARGUMENT", token, `'${token.text}' is no usable regular expression`);
  return pattern;
}

/** The name itself, and names below it. name.go (remapStringRewriter) */
function remap(text: string, from: string, to: string): string {
  if (text === from) return to;
  return text.endsWith(`.${from}`) ? text.slice(0, text.length - from.length) + to : text;
}

/** The rules undo the renaming, so the last one comes first. reverter.go */
function rewritten(message: DnsMessage, rules: readonly ReplyRule[]): DnsMessage {
  const inOrder = rules.toReversed();
  const change = (record: DnsRecord): DnsRecord => inOrder.reduce<DnsRecord>(applied, record);
  return {
    ...message,
    answer: message.answer.map(change),
    authority: message.authority.map(change),
    additional: message.additional.map(change),
  };
}

function applied(record: DnsRecord, { part, change }: ReplyRule): DnsRecord {
  if (part === "name") return { ...record, name: change(record.name) };
  if (record.type === "SOA") return { ...record, mname: change(record.mname) };
  return "target" in record ? { ...record, target: change(record.target) } : record;
}
