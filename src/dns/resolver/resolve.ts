import { formatAddress } from "../../wire/address.ts";
import type { ResolveOptions, Resolved, ResolverIo } from "./api.ts";
import { GlibcResolver } from "./glibc.ts";
import { GoResolver } from "./go.ts";
import { MuslResolver } from "./musl.ts";
import { destinationOrder } from "./order.ts";
import { Mailbox, type Process } from "./process.ts";

/**
 * Resolves a host name as a program of this flavour does in a pod with this resolv.conf. Every query is sent by `io`;
 * `done` is called once, in an event of the queue or before this returns.
 */
export function resolve(
  name: string,
  options: ResolveOptions,
  io: ResolverIo,
  done: (resolved: Resolved) => void,
): void {
  const mail = new Mailbox(io);
  mail.run(processOf(name, options, mail), (resolved) => {
    if (resolved.kind === "failed") {
      const { error, reason } = resolved;
      io.step({ kind: "resolver", action: "fail", name, reason: `${reason} (${error})` });
      done(resolved);
      return;
    }
    const { sourceFor } = io;
    const sorted =
      sourceFor === undefined
        ? resolved.addresses
        : destinationOrder(resolved.addresses, options.flavour, (address) => sourceFor(address));
    const addresses = sorted.map(formatAddress);
    io.step({ kind: "resolver", action: "done", name: resolved.name, addresses });
    done({ ...resolved, addresses: sorted });
  });
}

function processOf(name: string, { conf, families, flavour }: ResolveOptions, mail: Mailbox): Process<Resolved> {
  switch (flavour) {
    case "glibc":
      return new GlibcResolver(mail, conf, families).resolve(name);
    case "musl":
      return new MuslResolver(mail, conf, families, { overTcp: true }).resolve(name);
    case "musl-1.2.3":
      return new MuslResolver(mail, conf, families, { overTcp: false }).resolve(name);
    case "go":
      return new GoResolver(mail, conf, families).resolve(name);
  }
}
