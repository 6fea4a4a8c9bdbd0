import type { OptionReader } from "./option.ts";

/* The byte of the IP header that `dscp` and `tos` look at and set: DSCP, and two bits of ECN below (RFC 2474, 3168). */

/** Classes by name: libxt_dscp, dscp_helper.c. */
const classes: Readonly<Record<string, number>> = {
  CS0: 0x00,
  CS1: 0x08,
  CS2: 0x10,
  CS3: 0x18,
  CS4: 0x20,
  CS5: 0x28,
  CS6: 0x30,
  CS7: 0x38,
  BE: 0x00,
  AF11: 0x0a,
  AF12: 0x0c,
  AF13: 0x0e,
  AF21: 0x12,
  AF22: 0x14,
  AF23: 0x16,
  AF31: 0x1a,
  AF32: 0x1c,
  AF33: 0x1e,
  AF41: 0x22,
  AF42: 0x24,
  AF43: 0x26,
  EF: 0x2e,
};

/** Reads the name of a class. */
export function readClass(read: OptionReader): number {
  const name = read.value();
  const found = Object.hasOwn(classes, name.toUpperCase()) ? classes[name.toUpperCase()] : undefined;
  return found ?? read.fail("BAD_VALUE", `${name} is not a DSCP class such as EF or AF11`);
}

/** The old meanings of TOS, which leave the upper two bits alone. */
const services: Readonly<Record<string, number>> = {
  "minimize-delay": 16,
  "maximize-throughput": 8,
  "maximize-reliability": 4,
  "minimize-cost": 2,
  "normal-service": 0,
};

/** Reads `VALUE[/MASK]` or the name of a service. */
export function readTos(read: OptionReader): { readonly value: number; readonly mask: number } {
  const text = read.value();
  const service = Object.hasOwn(services, text.toLowerCase()) ? services[text.toLowerCase()] : undefined;
  if (service !== undefined) return { value: service, mask: 0x3f };
  const [value = "", mask] = text.split("/");
  return { value: read.number(0, 255, value), mask: mask === undefined ? 0xff : read.number(0, 255, mask) };
}

/** `0x2e`, with two digits. */
export function hex2(value: number): string {
  return `0x${value.toString(16).padStart(2, "0")}`;
}
