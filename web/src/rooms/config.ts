/** What the installation says about itself. */
import { api } from "../kit/api";

export interface ServerConfig {
  /** Base addresses of the gateways; none for the page's own origin. */
  gateways: readonly string[];
  /** Whether there is audio and video at all. */
  livekit: boolean;
}

let config: Promise<ServerConfig> | null = null;

/** Asked once, and again after a failure. */
export function serverConfig(): Promise<ServerConfig> {
  config ??= api.get<ServerConfig>("/config", { anonymous: true }).catch((error: unknown) => {
    config = null;
    throw error;
  });
  return config;
}

export const gateways = async (): Promise<readonly string[]> => (await serverConfig()).gateways;
