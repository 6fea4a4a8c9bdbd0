declare const macBrand: unique symbol;

/** An Ethernet address as lower-case text, `02:00:0a:f4:00:02`: it is only ever compared, keyed and printed. */
export type Mac = string & { readonly [macBrand]: true };

export const broadcastMac: Mac = "ff:ff:ff:ff:ff:ff" as Mac;
export const zeroMac: Mac = "00:00:00:00:00:00" as Mac;

/** Parses six hexadecimal octets; undefined when it is not a MAC address. */
export function parseMac(text: string): Mac | undefined {
  const lower = text.toLowerCase();
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(lower) ? (lower as Mac) : undefined;
}

/** The group bit: broadcast and multicast. */
export function isGroupMac(mac: Mac): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}

/** A locally administered unicast address whose last five octets are the low 40 bits of `value`. */
export function localMac(value: number): Mac {
  const hex = (value % 2 ** 40).toString(16).padStart(10, "0");
  return `02:${hex.match(/../g)?.join(":")}` as Mac;
}
