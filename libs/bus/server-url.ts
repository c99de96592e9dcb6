import type { NodeConnectionOptions } from '@nats-io/transport-node';

const DEFAULT_PORT = '4222';

/**
 * Connection options from a NATS URL or a comma-separated list of them. The client does not read
 * credentials from a URL; `shown` is the same without them, for logs. Throws for a wrong URL.
 */
export function serverOptions(url: string): Server {
  const parsed = url.split(',').map((each) => parse(each.trim()));
  const hosts = parsed.map(({ hostname, port }) => `${hostname}:${port || DEFAULT_PORT}`);
  const isEncrypted = parsed.some(({ protocol }) => protocol === 'tls:');
  const login = parsed.find(({ username }) => username !== '');
  const user = decodeURIComponent(login?.username ?? '');
  const pass = decodeURIComponent(login?.password ?? '');
  return {
    shown: hosts.join(','),
    options: {
      servers: hosts,
      ...(isEncrypted && { tls: {} }),
      // A name without a password is a token.
      ...(user !== '' && (pass === '' ? { token: user } : { user, pass })),
    },
  };
}

function parse(url: string): URL {
  const full = url.includes('://') ? url : `nats://${url}`;
  const parsed = URL.canParse(full) ? new URL(full) : undefined;
  const isOurs = parsed?.protocol === 'nats:' || parsed?.protocol === 'tls:';
  if (!parsed?.hostname || !isOurs) {
    // The text is not quoted: it may hold a password.
    throw new Error('the NATS URL must look like nats://host:4222 or tls://host:4222');
  }
  return parsed;
}

export type Server = { shown: string; options: NodeConnectionOptions };
