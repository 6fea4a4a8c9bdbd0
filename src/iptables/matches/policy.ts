import type { Draft, OptionReader } from "../option.ts";
import type { MatchModule } from "./module.ts";

/** `-m policy`: whether IPsec took the packet apart, or will wrap it. There is no IPsec here: `--pol none` is true. */
export interface PolicyMatch {
  readonly kind: "policy";
  readonly direction: "in" | "out";
  readonly policy: "none" | "ipsec";
  readonly strict?: true;
  /** What is asked of each transformation, option by option as printed. */
  readonly elements: readonly Readonly<Partial<Record<ElementOption, string>>>[];
}

/** In the order in which they are printed. */
const elementOptions = ["--reqid", "--spi", "--proto", "--mode", "--tunnel-dst", "--tunnel-src"] as const;
type ElementOption = (typeof elementOptions)[number];

function readElement(draft: Draft<PolicyMatch>, option: ElementOption, read: OptionReader): void {
  const elements = draft.elements ?? [{}];
  const words = `${read.inverted() ? "! " : ""}${option} ${read.value()}`;
  draft.elements = [...elements.slice(0, -1), { ...elements.at(-1), [option]: words }];
}

export const policy: MatchModule<PolicyMatch> = {
  options: {
    "--dir"(draft, read) {
      const direction = read.value();
      if (direction !== "in" && direction !== "out") return read.fail("BAD_VALUE", "use --dir in or --dir out");
      draft.direction = direction;
    },
    "--pol"(draft, read) {
      const kind = read.value();
      if (kind !== "none" && kind !== "ipsec") return read.fail("BAD_VALUE", "use --pol none or --pol ipsec");
      draft.policy = kind;
    },
    "--strict": (draft) => void (draft.strict = true),
    "--next": (draft) => void (draft.elements = [...(draft.elements ?? [{}]), {}]),
    ...Object.fromEntries(
      elementOptions.map((option) => [
        option,
        (draft: Draft<PolicyMatch>, read: OptionReader) => readElement(draft, option, read),
      ]),
    ),
  },
  start: () => ({ kind: "policy" }),
  finish({ direction, policy: kind, strict, elements = [] }, read) {
    if (direction === undefined || kind === undefined) {
      return read.fail("MISSING_OPTION", "-m policy needs --dir and --pol");
    }
    if (kind === "none" && strict) read.fail("BAD_OPTION", "--pol none and --strict do not go together");
    return { kind: "policy", direction, policy: kind, ...(strict && { strict }), elements };
  },
  print: ({ direction, policy: kind, strict, elements }) =>
    [
      `--dir ${direction} --pol ${kind}`,
      ...(strict ? ["--strict"] : []),
      ...(kind === "none"
        ? []
        : elements.flatMap((element, at) => [
            ...(at > 0 ? ["--next"] : []),
            ...elementOptions.flatMap((option) => element[option] ?? []),
          ])),
    ].join(" "),
  // policy_mt() of net/netfilter/xt_policy.c, for a packet without a transformation.
  matches: (match) => match.policy === "none",
  explain: (match) => ({ term: policy.print(match), packet: "no IPsec" }),
};
