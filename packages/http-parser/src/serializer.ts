export { encodeChunk, encodeLastChunk } from './content-writer.ts';
export { frameResponse, type ResponseFraming, type ResponseSituation } from './framing.ts';
export { reasonPhrase } from './reason-phrases.ts';
export { RequestWriter } from './request-writer.ts';
export { type AnsweredRequest, type ResponseContent, ResponseWriter } from './response-writer.ts';
export {
  fieldLines,
  headText,
  type RequestHeadInput,
  type ResponseHeadInput,
  serializeHead,
  SerializeError,
} from './serialize-head.ts';
