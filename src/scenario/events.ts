export function applyEvent(_c: unknown, _e: unknown): void {}
