import type { Reader } from "./reader.ts";

/** What the API server says of names: apimachinery pkg/util/validation. */
export const dnsLabelRule =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const labelValueRule =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
export const dns1035Rule =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
export const dnsSubdomainRule =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";

/** RFC 1123 label. apimachinery pkg/util/validation (IsDNS1123Label). */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text);
}

/** RFC 1123 subdomain: labels with dots between them. */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text);
}

/** RFC 1035 label: a Service's name must begin with a letter. */
export function isDns1035Label(text: string): boolean {
  return text.length <= 63 && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(text);
}

/** RFC 6335 service name: the syntax of a named port. IsValidPortName. */
export function isPortName(text: string): boolean {
  return text.length <= 15 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text) && /[a-z]/.test(text);
}

export function isPortNumber(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}

const word = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

/** A label's key: an optional DNS subdomain and `/`, then the name. IsQualifiedName. */
export function isLabelKey(text: string): boolean {
  const slash = text.indexOf("/");
  const name = text.slice(slash + 1);
  return (slash < 0 || isDnsSubdomain(text.slice(0, slash))) && name.length <= 63 && word.test(name);
}

export function isLabelValue(text: string): boolean {
  return text === "" || (text.length <= 63 && word.test(text));
}

/** Reads labels, or the plain selector of a Service, and checks their syntax. */
export function readLabels(reader: Reader, key: string): Readonly<Record<string, string>> {
  const labels = reader.stringMap(key);
  for (const [name, value] of Object.entries(labels)) checkLabel(reader, [key, name], name, [value]);
  return labels;
}

export function checkLabel(
  reader: Reader,
  path: readonly (string | number)[],
  key: string,
  values: readonly string[],
): void {
  if (!isLabelKey(key)) reader.invalid("BAD_LABEL", path, key, "is no label key");
  for (const value of values) if (!isLabelValue(value)) reader.invalid("BAD_LABEL", path, value, labelValueRule);
}

const portNumberRule = "must be between 1 and 65535, inclusive";

/** Reads a port that may be a number or a name, and checks it. ValidatePortNumOrName. */
export function readPort(reader: Reader, key: string): number | string | undefined {
  const port = reader.integerOrString(key);
  if (port === undefined) return undefined;
  if (typeof port === "number") {
    if (!isPortNumber(port)) reader.invalid("BAD_PORT", key, port, portNumberRule, portNumberFix);
    return port;
  }
  const quoted = /^\d+$/.test(port) ? `Write ${port} without quotes.` : undefined;
  if (!isPortName(port)) reader.invalid("BAD_PORT", key, port, portNameRule(port), quoted);
  return port;
}

const portNumberFix = "Choose a number from 1 to 65535.";

/** Reads a port number, and checks it. */
export function readPortNumber(reader: Reader, key: string): number | undefined {
  const port = reader.integer(key);
  if (port !== undefined && !isPortNumber(port)) {
    reader.invalid("BAD_PORT", key, port, portNumberRule, portNumberFix);
  }
  return port;
}

/** Why a text is no port name. IsValidPortName. */
export function portNameRule(name: string): string {
  if (name.length > 15) return "must be no more than 15 characters";
  if (!/^[-a-z0-9]*$/.test(name)) return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
  if (!/[a-z]/.test(name)) return "must contain at least one letter (a-z)";
  if (name.includes("--")) return "must not contain consecutive hyphens";
  return "must not begin or end with a hyphen";
}

/** Reads a protocol; the API's default is TCP. */
export function readProtocol(reader: Reader): "TCP" | "UDP" | "SCTP" {
  const protocol = reader.string("protocol") ?? "TCP";
  if (protocol === "TCP" || protocol === "UDP" || protocol === "SCTP") return protocol;
  const upper = protocol.toUpperCase();
  const fix = upper === "TCP" || upper === "UDP" || upper === "SCTP" ? `Write ${upper}.` : undefined;
  const words = `Unsupported value: ${JSON.stringify(protocol)}: supported values: "SCTP", "TCP", "UDP"`;
  reader.refuse("BAD_PROTOCOL", "protocol", words, fix);
  return "TCP";
}
