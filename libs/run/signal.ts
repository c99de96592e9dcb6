const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Resolves with the name of the first SIGINT or SIGTERM, or with 'abort' when `signal` is aborted.
 * It listens for one signal only: the next one ends the process, as Node does by itself.
 */
export function untilSignal(signal?: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const end = (name: string) => {
      for (const each of SIGNALS) process.off(each, end);
      signal?.removeEventListener('abort', onAbort);
      clearInterval(keepAlive);
      resolve(name);
    };
    const onAbort = () => end('abort');
    // A listener alone does not keep a process alive that has nothing else to do.
    const keepAlive = setInterval(() => undefined, 2 ** 30);
    for (const each of SIGNALS) process.on(each, end);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
  });
}
