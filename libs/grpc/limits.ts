import type { ChannelOptions } from '@grpc/grpc-js';

const MIB = 1024 * 1024;
/** Largest message in either direction. A batch of 1,000 parcels is about a quarter of it. */
export const MESSAGE_BYTES_MAX = 4 * MIB;

/**
 * Taken off a deadline on the way in, so that an answer is back before the caller gives up; what is
 * then called further down inherits the shorter one.
 */
export const HOP_MS = 20;

export const DEFAULT_LIMITS: Limits = {
  inFlightMax: 200,
  metadataBytesMax: 8 * 1024,
  deadlineMaxMs: 30_000,
  messageBytesMax: MESSAGE_BYTES_MAX,
  streamsPerIdentityMax: 16,
  streamAgeMaxMs: 5 * 60_000,
  streamIdleMaxMs: 2 * 60_000,
  keepaliveMs: 30_000,
  callsPerS: 2_000,
  burstCount: 4_000,
};

/** Settings of a listening server that grpc-js leaves open by default. */
export function serverChannelOptions(limits: Limits): ChannelOptions {
  const { messageBytesMax, keepaliveMs, streamAgeMaxMs } = limits;
  return {
    'grpc.max_receive_message_length': messageBytesMax,
    'grpc.max_send_message_length': messageBytesMax,
    'grpc.max_concurrent_streams': 200,
    // Finds clients that went without a word, whose calls and streams then end.
    'grpc.keepalive_time_ms': keepaliveMs,
    'grpc.keepalive_timeout_ms': Math.min(10_000, keepaliveMs),
    'grpc.max_connection_idle_ms': 5 * 60_000,
    // Makes clients look for new servers now and then. The grace is longer than any call or stream.
    'grpc.max_connection_age_ms': 10 * 60_000,
    'grpc.max_connection_age_grace_ms': streamAgeMaxMs + 40_000,
    'grpc.enable_channelz': 0,
  };
}

/**
 * Settings of a client's channel. A service has a connection of its own: on one that it shares with
 * its callers, as within one process, its questions could wait behind the calls that need them.
 */
export function clientChannelOptions(isAlone: boolean): ChannelOptions {
  return {
    'grpc.use_local_subchannel_pool': isAlone ? 1 : 0,
    'grpc.service_config': JSON.stringify(SERVICE_CONFIG),
    // No look-up of settings in DNS TXT records.
    'grpc.service_config_disable_resolution': 1,
    'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': MESSAGE_BYTES_MAX,
    // Other servers and proxies take more frequent pings for a flood.
    'grpc.keepalive_time_ms': 5 * 60_000,
    'grpc.keepalive_timeout_ms': 10_000,
    // By default a server that restarts is not tried again for a second.
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 5_000,
    // A proxy for the web in the environment would take calls to 127.0.0.1 as well.
    'grpc.enable_http_proxy': 0,
    'grpc.enable_channelz': 0,
  };
}

/** Only UNAVAILABLE is repeated: every writing method has a natural key that makes this safe. */
const SERVICE_CONFIG = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{}],
      retryPolicy: {
        maxAttempts: 3,
        initialBackoff: '0.1s',
        maxBackoff: '1s',
        backoffMultiplier: 3,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
  // Retries stop while more than about one call in ten fails: they must not feed an outage.
  retryThrottling: { maxTokens: 100, tokenRatio: 0.1 },
};

export type Limits = {
  /** Calls served at once; more are answered OVERLOADED. */
  readonly inFlightMax: number;
  /** Size of a call's metadata, names and values together. */
  readonly metadataBytesMax: number;
  /** For calls without a deadline or with a later one. */
  readonly deadlineMaxMs: number;
  readonly messageBytesMax: number;
  /** Open streams of one caller; more are answered LIMIT_EXCEEDED. */
  readonly streamsPerIdentityMax: number;
  /** A stream that old is ended, all answered, so that its caller comes back to any server. */
  readonly streamAgeMaxMs: number;
  /** So is one on which nothing moved for so long. */
  readonly streamIdleMaxMs: number;
  /** A connection that is silent for so long is asked whether it lives, and cut if it does not. */
  readonly keepaliveMs: number;
  /** Of one identity and one kind of call, where its key says nothing else. */
  readonly callsPerS: number;
  /** Calls that may come at once after a pause. */
  readonly burstCount: number;
};
