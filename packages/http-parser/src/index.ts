export type {
  ContentEvent,
  EndEvent,
  ErrorEvent,
  Field,
  ParserEvent,
  RequestHead,
  RequestHeadEvent,
  ResponseHead,
  ResponseHeadEvent,
  ResponseParserEvent,
  TargetForm,
  Version,
} from './message.ts';
export { HttpParseError, type HttpParseErrorCode } from './parse-error.ts';
export type { ParserLimits } from './limits.ts';
export { RequestParser, type RequestParserOptions, type RequestParserState } from './request-parser.ts';
export { ResponseParser, type ResponseParserState } from './response-parser.ts';
