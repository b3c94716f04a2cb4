// logrotate and Prometheus, which look at what the server writes and counts.

import type { Figures } from './figures.ts';
import { note } from './text.ts';

/** For a unit called `onezero`. `logFile` is absolute. */
export function logrotate(figures: Figures, logFile: string): string {
  return `${note({ ...figures, missingFlags: [] }, '#')}
"${logFile}" {
  daily
  rotate 14
  missingok
  notifempty
  # The lines of answers under way still go to the old file for a moment.
  delaycompress
  compress
  postrotate
    systemctl kill --kill-who=main --signal=USR1 onezero.service
  endscript
}
`;
}

export function prometheus(figures: Figures, hasMetrics: boolean): string {
  const { host, port, metrics, isSecure, checkMs } = figures;
  const missingFlags = hasMetrics ? [] : ['--metrics', '/metrics'];
  return `${note({ ...figures, missingFlags }, '#')}
global:
  # No more often than a stop is noticed.
  scrape_interval: ${Math.max(5, Math.ceil(checkMs / 1000) * 5)}s

scrape_configs:
  - job_name: onezero
    scheme: ${isSecure ? 'https' : 'http'}
    metrics_path: ${JSON.stringify(metrics)}
    static_configs:
      # Each server by itself, not the balancer: what workers count is added up, what servers count is not.
      - targets: ["${host}:${port}"]
`;
}
