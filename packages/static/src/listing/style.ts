// The one style sheet of listings, and the policy that allows it and nothing else.

import { createHash } from 'node:crypto';

export const LISTING_STYLE: string = `
:root{color-scheme:light dark;--page:#fbfbfa;--card:#fff;--ink:#1d2127;--soft:#5c6570;--line:#e4e6e8;--hover:#f1f5fb;--link:#0b57b5;--accent:#2f7de1;--folder:#d99413}
@media (prefers-color-scheme:dark){:root{--page:#14171b;--card:#1b1f24;--ink:#e7eaee;--soft:#9aa4b0;--line:#2c323a;--hover:#232a33;--link:#84b9ff;--accent:#5a9bf3;--folder:#e8b14c}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem 3rem}
a{color:var(--link);text-decoration:none}
a:hover{text-decoration:underline}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
header{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.75rem 1.5rem;margin-bottom:1.25rem}
bdi{white-space:pre-wrap}
h1{display:inline;font:inherit}
header ol{display:flex;flex-wrap:wrap;list-style:none;margin:0;padding:0;font-size:1.25rem;line-height:1.4;font-weight:600;overflow-wrap:anywhere}
header li:not(:first-child)::before{content:"/";color:var(--soft);padding:0 .4em;font-weight:400}
form{display:flex;gap:.5rem;flex:0 1 18rem}
input,button{font:inherit;font-size:.9375rem;color:inherit;border:1px solid var(--line);border-radius:8px;background:var(--card);padding:.4rem .75rem;min-height:2.5rem}
input{flex:1;min-width:0}
input::placeholder{color:var(--soft);opacity:1}
button{cursor:pointer}
button:hover{background:var(--hover)}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;overflow:hidden}
table{width:100%;border-collapse:collapse}
th{font-size:.8125rem;font-weight:600;text-align:left;border-bottom:1px solid var(--line)}
th a{display:block;padding:.6rem 1rem;color:var(--soft)}
th[aria-sort] a{color:var(--ink)}
th[aria-sort=ascending] a::after{content:" \\2191";content:" \\2191"/""}
th[aria-sort=descending] a::after{content:" \\2193";content:" \\2193"/""}
td{padding:0 1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.875rem;font-variant-numeric:tabular-nums;white-space:nowrap}
tbody tr:first-child td{border-top:0}
tbody tr:hover{background:var(--hover)}
th.name{width:100%}
td.name{white-space:normal;font-size:1rem;padding:0}
td.name a{display:flex;align-items:center;gap:.7rem;padding:.6rem 1rem;overflow-wrap:anywhere}
.name svg{flex:none;width:1.25rem;height:1.25rem;fill:none;stroke:var(--soft);stroke-width:1.6;stroke-linejoin:round}
.name .folder{stroke:var(--folder)}
.size{text-align:right}
th.size a{text-align:right}
.empty{padding:2.5rem 1rem;text-align:center;color:var(--soft)}
footer{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;justify-content:space-between;margin-top:1rem;color:var(--soft);font-size:.875rem}
footer span a{text-decoration:underline}
.uploads{list-style:none;margin:0 0 1rem;padding:0;font-size:.875rem;color:var(--soft)}
.uploads li{display:flex;flex-wrap:wrap;align-items:center;gap:.25rem 1rem;padding:.25rem 0}
.uploads bdi{color:var(--ink);overflow-wrap:anywhere}
.uploads progress{flex:0 1 12rem;accent-color:var(--accent)}
.drop .card{outline:2px dashed var(--accent);outline-offset:-6px}
.pages{display:flex;gap:1.25rem}
.pages a{padding:.25rem 0}
@media (max-width:36rem){
main{padding:1.25rem .75rem 2rem}
form{flex:1 1 100%}
input,button{font-size:1rem}
thead th{display:inline-block}
thead tr{display:flex;border-bottom:1px solid var(--line)}
thead th{border:0}
th.name{width:auto;flex:1}
tbody tr{display:grid;grid-template-columns:1fr auto;padding-bottom:.6rem;border-top:1px solid var(--line)}
tbody tr:first-child{border-top:0}
td{border:0;font-size:.8125rem}
td.name{grid-column:1/-1}
td.name a{padding:.6rem 1rem .1rem}
td.modified{padding-left:2.95rem;order:1}
td.size{order:2}
}
`;

/** No script, no frame, no other origin; exactly this style sheet. */
export const LISTING_POLICY: string = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(LISTING_STYLE).digest('base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'self'",
].join('; ');
