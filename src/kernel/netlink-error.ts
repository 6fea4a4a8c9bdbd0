/** What rtnetlink answers to a request it refuses, as iproute2 prints it: `RTNETLINK answers: File exists`. */
export class NetlinkError extends Error {
  readonly errno: "EEXIST" | "ENODEV" | "ENETUNREACH" | "ENETDOWN" | "EINVAL" | "EBUSY" | "ESRCH" | "EADDRNOTAVAIL";

  constructor(errno: NetlinkError["errno"], message: string) {
    super(message);
    this.name = "NetlinkError";
    this.errno = errno;
  }
}
