export { canonicalPath, type CanonicalTarget } from './canonical-target.ts';
export type { Field, StaticRequest, StaticResponse } from './message.ts';
export type {
  CompressionOptions,
  CorsOptions,
  FieldRule,
  GlobRule,
  ListingOptions,
  RedirectRule,
  SourceTest,
  StaticOptions,
  WriteOptions,
} from './options.ts';
export { serveStatic, type StaticResponder } from './serve-static.ts';
