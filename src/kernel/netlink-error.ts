/** What rtnetlink answers to a request it refuses, as iproute2 prints it: `RTNETLINK answers: File exists`. */
export class NetlinkError extends Error {
  readonly errno:
    | "EACCES"
    | "EADDRNOTAVAIL"
    | "EBUSY"
    | "EEXIST"
    | "EHOSTUNREACH"
    | "EINVAL"
    | "ENETDOWN"
    | "ENETUNREACH"
    | "ENODEV"
    | "ENOENT"
    | "ESRCH";

  constructor(errno: NetlinkError["errno"], message: string) {
    super(message);
    this.name = "NetlinkError";
    this.errno = errno;
  }
}
