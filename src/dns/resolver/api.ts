import type { Chance } from "../../kernel/chance.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { SocketOptions, Sockets } from "../../kernel/socket/api.ts";
import type { StepInput } from "../../trace/records.ts";
import type { Address, Family } from "../../wire/address.ts";
import type { ResolvConf } from "./conf.ts";

/** What a stub resolver runs on: a pod's namespace, or a made-up network in a test. */
export interface ResolverIo {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly sockets: Pick<Sockets, "openUdp" | "connectTcp">;
  /** Options (flow, flow key) of a socket that is opened for these questions: `A, AAAA web.default.svc.cluster.local.`. */
  options(purpose: string): SocketOptions;
  step(input: StepInput): void;
  /**
   * The source address the kernel would take towards a destination; undefined when there is no route. Without it
   * addresses stay in the order of the answers.
   */
  sourceFor?(destination: Address): { readonly address: Address; readonly prefixLength: number } | undefined;
}

/** Which C library, or language, resolves: they differ in order, sockets, time-outs and in what ends a search. */
export type Flavour = "glibc" | "musl" | "musl-1.2.3" | "go";

export interface ResolveOptions {
  readonly conf: ResolvConf;
  readonly flavour: Flavour;
  /** Families asked for: both, unless the program wants one (`curl -4`). */
  readonly families: readonly Family[];
}

/** getaddrinfo(3) errors. */
export type ResolveError = "EAI_NONAME" | "EAI_NODATA" | "EAI_AGAIN" | "EAI_FAIL";

export type Resolved =
  | {
      readonly kind: "addresses";
      /** The name that was answered. */
      readonly name: string;
      /** In the order the program tries them. */
      readonly addresses: readonly Address[];
    }
  | {
      readonly kind: "failed";
      readonly error: ResolveError;
      /** One sentence. */
      readonly reason: string;
    };
