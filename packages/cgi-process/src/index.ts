export type { CgiRequest, CgiResponse, Field, Peer } from './message.ts';
