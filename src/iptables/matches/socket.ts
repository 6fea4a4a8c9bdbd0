/** `-m socket`: an open socket of this namespace would receive the packet. */
export interface SocketMatch {
  readonly kind: "socket";
  readonly transparent?: true;
  readonly nowildcard?: true;
  readonly restoreSkmark?: true;
}
