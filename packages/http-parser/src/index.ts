export type {
  ContentEvent,
  EndEvent,
  ErrorEvent,
  Field,
  ParserEvent,
  RequestHead,
  RequestHeadEvent,
  ResponseHead,
  TargetForm,
  Version,
} from './message.ts';
export { HttpParseError, type HttpParseErrorCode } from './parse-error.ts';
export { RequestParser, type RequestParserOptions } from './request-parser.ts';
