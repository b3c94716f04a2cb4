export type { Field, StaticRequest, StaticResponse } from './message.ts';
