export type { Field, RequestHead, ResponseHead, Version } from './message.ts';
