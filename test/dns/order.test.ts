import { expect, test } from "vitest";
import type { Flavour } from "../../src/dns/resolver/api.ts";
import { destinationOrder } from "../../src/dns/resolver/order.ts";
import { address, formatAddress } from "../../src/wire/address.ts";

interface OrderCase {
  readonly name: string;
  readonly flavour: Flavour;
  readonly answered: readonly string[];
  readonly sorted: readonly string[];
  /** Source addresses of the pod, with prefix length; a family without one has no route. */
  readonly sources?: { readonly ipv4?: readonly [string, number]; readonly ipv6?: readonly [string, number] };
}

const ipv4: readonly [string, number] = ["10.244.1.7", 24];
const ipv6: readonly [string, number] = ["fd00:10:244:1::7", 64];

// RFC 6724, sections 2.1, 6 and 10.2; getaddrinfo.c of glibc (rfc3484_sort, RFC 3484's policy table); lookup_name.c of
// musl; net/addrselect.go of Go.
test.for<OrderCase>([
  {
    name: "glibc puts an address of the pod's own subnet first",
    flavour: "glibc",
    answered: ["10.244.2.5", "10.244.1.9"],
    sorted: ["10.244.1.9", "10.244.2.5"],
  },
  {
    name: "glibc leaves addresses outside of the subnet in the order of the answer",
    flavour: "glibc",
    answered: ["10.244.3.5", "10.244.2.5"],
    sorted: ["10.244.3.5", "10.244.2.5"],
  },
  {
    name: "with a /32 on the pod's device no other address is in its subnet",
    flavour: "glibc",
    answered: ["10.244.2.5", "10.244.1.9"],
    sorted: ["10.244.2.5", "10.244.1.9"],
    sources: { ipv4: ["10.244.1.7", 32] },
  },
  {
    name: "Go leaves IPv4 addresses in the order of the answer",
    flavour: "go",
    answered: ["10.244.2.5", "10.244.1.9"],
    sorted: ["10.244.2.5", "10.244.1.9"],
  },
  {
    name: "musl leaves IPv4 addresses in the order of the answer",
    flavour: "musl",
    answered: ["10.244.2.5", "10.244.1.9"],
    sorted: ["10.244.2.5", "10.244.1.9"],
  },
  {
    name: "glibc prefers a unique local IPv6 address to IPv4",
    flavour: "glibc",
    answered: ["10.96.0.1", "fd00:10:96::1"],
    sorted: ["fd00:10:96::1", "10.96.0.1"],
    sources: { ipv4, ipv6 },
  },
  {
    name: "musl prefers IPv4 to a unique local IPv6 address",
    flavour: "musl",
    answered: ["fd00:10:96::1", "10.96.0.1"],
    sorted: ["10.96.0.1", "fd00:10:96::1"],
    sources: { ipv4, ipv6 },
  },
  {
    name: "Go prefers IPv4 to a unique local IPv6 address",
    flavour: "go",
    answered: ["fd00:10:96::1", "10.96.0.1"],
    sorted: ["10.96.0.1", "fd00:10:96::1"],
    sources: { ipv4, ipv6 },
  },
  {
    name: "an address without a route comes last",
    flavour: "glibc",
    answered: ["2606:2800:220:1::1", "93.184.216.34"],
    sorted: ["93.184.216.34", "2606:2800:220:1::1"],
  },
])("$name", ({ flavour, answered, sorted, sources = { ipv4 } }) => {
  const order = destinationOrder(answered.map(address), flavour, (destination) => {
    const source = sources[typeof destination === "number" ? "ipv4" : "ipv6"];
    return source && { address: address(source[0]), prefixLength: source[1] };
  });
  expect(order.map(formatAddress)).toEqual(sorted);
});
