import type { DnsRecord, Rcode } from "../../wire/dns.ts";
import { parseRecord } from "../../wire/dns-text.ts";
import type { Directive, Token } from "../coredns/corefile.ts";
import type { DnsPlugin, DnsRequest, PluginContext } from "../coredns/plugin.ts";
import { query, replyTo } from "../message.ts";
import { longestZone } from "../names.ts";
import { type Fallthrough, argumentCount, fallsThrough, readFallthrough, zonesOf } from "./arguments.ts";
import { goPattern } from "./pattern.ts";

interface Template {
  readonly recordClass: string;
  readonly type: string;
  readonly zones: readonly string[];
  readonly patterns: RegExp[];
  readonly records: { readonly section: "answer" | "authority" | "additional"; readonly text: string }[];
  rcode: Rcode;
  fallthrough: Fallthrough;
}

const rcodes: readonly Rcode[] = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

/**
 * `template CLASS TYPE [ZONES...] { match ...; answer ...; rcode ... }`: replies made up from the question. Of Go's
 * template language the fields (`.Name`, `.Type`, `.Class`, `.Zone`, `.Group.x`, `index .Match 1`) are known; other
 * expressions give unknown. CoreDNS plugin/template.
 */
export const template: DnsPlugin = {
  name: "template",
  setup(directives, context) {
    const templates = directives.flatMap((directive) => readTemplate(directive, context) ?? []);
    return function* (request, next) {
      const { name, type } = request.query.question;
      for (const template of templates) {
        const zone = longestZone(name, template.zones);
        const wantsType = template.type === "ANY" || type === "ANY" || template.type === type;
        if (zone === undefined || !wantsType || !["IN", "ANY"].includes(template.recordClass)) continue;
        const match = template.patterns.map((pattern) => pattern.exec(name)).find((found) => found !== null);
        if (match === undefined || match === null) {
          if (fallsThrough(template.fallthrough, name)) continue;
          return { kind: "failed", rcode: "SERVFAIL" };
        }
        if (template.rcode === "SERVFAIL") return { kind: "failed", rcode: "SERVFAIL" };
        const sections = { answer: [] as DnsRecord[], authority: [] as DnsRecord[], additional: [] as DnsRecord[] };
        for (const { section, text } of template.records) {
          const line = filled(text, request, match, zone);
          if (line === undefined) return { kind: "unknown", reason: `the template ${text} of CoreDNS is not modelled` };
          const record = parseRecord(line.trim());
          if (record === undefined)
            return { kind: "unknown", reason: `the record ${line} of a template is not modelled` };
          sections[section].push(record);
          // A CNAME is followed through the server itself.
          if (section === "answer" && record.type === "CNAME" && (type === "A" || type === "AAAA")) {
            const served = yield* context.lookup(request, query({ name: record.target, type }));
            if (served.kind === "unknown") return served;
            if (served.kind === "reply") sections.answer.push(...served.message.answer);
          }
        }
        request.note({ plugin: "template", text: `makes up the reply to ${type} ${name}` });
        const reply = { ...replyTo(request.query, template.rcode), authoritative: true, ...sections };
        return { kind: "reply", message: reply };
      }
      return yield* next(request);
    };
  },
};

/** Puts the fields in; undefined where the template says more than a field. */
function filled(text: string, request: DnsRequest, match: RegExpExecArray, zone: string): string | undefined {
  const { name, type } = request.query.question;
  const fields: Readonly<Record<string, string>> = { ".Name": name, ".Type": type, ".Class": "IN", ".Zone": zone };
  let isKnown = true;
  const line = text.replace(/\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => {
    const index = /^index \.Match (\d+)$/.exec(expression)?.[1];
    const group = /^\.Group\.(\w+)$/.exec(expression)?.[1];
    const value =
      fields[expression] ??
      (index === undefined ? undefined : match[Number(index)]) ??
      (group === undefined ? undefined : (match.groups?.[group] ?? match[Number(group)]));
    isKnown &&= value !== undefined;
    return value ?? "";
  });
  return isKnown ? line : undefined;
}

function readTemplate(directive: Directive, context: PluginContext): Template | undefined {
  const { name, args } = directive;
  if (!argumentCount(name, args, 2, Number.POSITIVE_INFINITY, context)) return undefined;
  const [recordClass, type, ...zones] = args as [Token, Token, ...Token[]];
  const template: Template = {
    recordClass: recordClass.text.toUpperCase(),
    type: type.text.toUpperCase(),
    zones: zonesOf(zones, context),
    patterns: [],
    records: [],
    rcode: "NOERROR",
    fallthrough: undefined,
  };
  for (const property of directive.block ?? []) readProperty(property, template, context);
  if (template.patterns.length === 0) template.patterns.push(/.*/);
  return template;
}

function readProperty({ name, args }: Directive, template: Template, context: PluginContext): void {
  switch (name.text) {
    case "match":
      for (const arg of args) {
        const pattern = goPattern(arg.text);
        if (pattern !== undefined) template.patterns.push(pattern);
        else context.problem("COREFILE_ARGUMENT", arg, `'${arg.text}' is no usable regular expression`);
      }
      break;
    case "answer":
    case "additional":
    case "authority":
      for (const arg of args) template.records.push({ section: name.text, text: arg.text });
      break;
    case "rcode": {
      const rcode = rcodes.find((known) => known === args[0]?.text.toUpperCase());
      if (rcode !== undefined) template.rcode = rcode;
      else context.problem("COREFILE_ARGUMENT", args[0] ?? name, `rcode is one of ${rcodes.join(", ")}`);
      break;
    }
    case "fallthrough":
      template.fallthrough = readFallthrough(args);
      break;
    case "upstream":
    case "ederror":
      break;
    default:
      context.problem("COREFILE_UNKNOWN_PROPERTY", name, `template has no property '${name.text}'`);
  }
}
