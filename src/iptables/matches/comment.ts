/** `-m comment --comment TEXT`. */
export interface CommentMatch {
  readonly kind: "comment";
  readonly comment: string;
}
