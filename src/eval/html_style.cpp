#include "eval/html.h"

namespace tl {

const char* const report_style = R"css(
:root { --page:#f5f6f8; --card:#fff; --text:#1b2027; --muted:#5f6977; --line:#e2e6eb;
  --hit:#2563c9; --miss:#d9480f; --train:#98a1ae; --on:#fff; color-scheme:light dark; }
@media (prefers-color-scheme:dark) { :root { --page:#0f1216; --card:#181c22; --text:#e6e9ee;
  --muted:#9aa4b2; --line:#2b323b; --hit:#5b95f5; --miss:#f5804a; --train:#7b8593; --on:#0f1216; } }
* { box-sizing:border-box; }
body { margin:0; background:var(--page); color:var(--text);
  font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif; }
main { max-width:1120px; margin:0 auto; padding:28px 20px 40px; }
header { margin-bottom:20px; }
h1 { font-size:26px; line-height:1.2; margin:0 0 4px; letter-spacing:-.01em; overflow-wrap:break-word; }
h2 { font-size:16px; margin:0 0 4px; }
p { margin:0; }
.muted, small, figcaption { color:var(--muted); font-size:13px; }
section { background:var(--card); border:1px solid var(--line); border-radius:10px;
  padding:18px 20px; margin-bottom:16px; min-width:0; }
section > .muted { margin-bottom:12px; }
.numbers { display:grid; gap:12px; grid-template-columns:repeat(auto-fit,minmax(150px,1fr));
  margin-bottom:16px; }
.number { background:var(--card); border:1px solid var(--line); border-radius:10px;
  padding:14px 16px; }
.number span { display:block; color:var(--muted); font-size:13px; }
.number b { display:block; font-size:26px; line-height:1.25; letter-spacing:-.02em;
  font-variant-numeric:tabular-nums; }
.number.main b { color:var(--hit); }
.charts { display:grid; gap:16px; grid-template-columns:repeat(auto-fit,minmax(min(300px,100%),1fr));
  margin-bottom:16px; }
.charts section { margin:0; }
.side { display:flex; flex-wrap:wrap; gap:16px 40px; align-items:flex-start; }
.side > * { min-width:0; }
.side > .list { flex:1 1 340px; }
.list th.n, .list td.n { padding-right:0; padding-left:14px; }
.scroll { overflow:auto; max-width:100%; }
.long { max-height:560px; }
svg { display:block; max-width:100%; height:auto; font-family:inherit; }
svg text { fill:var(--muted); font-size:12px; }
svg .ground { fill:var(--text); fill-opacity:.04; }
svg rect.hit { fill:var(--hit); } svg rect.miss { fill:var(--miss); } svg rect.none { fill:var(--text); }
.confusion text.number { fill:var(--text); font-weight:600; }
.confusion text.share { font-size:11px; fill:var(--text); }
.confusion text.on { fill:var(--on); } .confusion text.none { fill:var(--muted); font-weight:400; }
.plot { width:100%; max-width:420px; margin-top:8px; }
.plot .grid { stroke:var(--line); }
.plot polyline { fill:none; stroke-width:2; stroke-linejoin:round; }
.plot polyline.train { stroke:var(--train); } .plot circle.train { fill:var(--train); }
.plot polyline.val { stroke:var(--hit); } .plot circle.val { fill:var(--hit); }
.plot .count { fill:var(--text); fill-opacity:.13; }
.plot .ideal { stroke:var(--muted); stroke-dasharray:4 4; }
.key { display:inline-block; width:14px; height:3px; border-radius:2px; vertical-align:middle;
  margin:0 4px 2px 0; background:var(--hit); }
.key.train { background:var(--train); }
.key.box { height:11px; } .key.miss { background:var(--miss); }
.key + .key { margin-left:-1px; }
table { border-collapse:collapse; width:100%; font-variant-numeric:tabular-nums; }
th { text-align:left; font-weight:600; font-size:13px; color:var(--muted); }
th, td { padding:6px 14px 6px 0; border-bottom:1px solid var(--line); vertical-align:top; }
tr:last-child td { border-bottom:0; }
th.n, td.n { text-align:right; padding-right:28px; white-space:nowrap; }
.long th { position:sticky; top:0; background:var(--card); }
td.score { width:19%; white-space:nowrap; min-width:56px; }
.bar { display:block; height:4px; border-radius:2px; margin-top:3px; background:var(--line);
  overflow:hidden; }
.bar i { display:block; height:100%; background:var(--hit); }
.facts td { overflow-wrap:anywhere; }
.facts td:first-child { color:var(--muted); white-space:nowrap; width:22%; }
details + details { margin-top:8px; }
summary { cursor:pointer; }
ul { margin:4px 0 0; padding-left:20px; color:var(--muted); font-size:13px; overflow-wrap:anywhere; }
.mistakes { display:grid; gap:16px; grid-template-columns:repeat(auto-fill,minmax(140px,1fr)); }
figure { margin:0; min-width:0; overflow-wrap:break-word; }
figure img { display:block; width:100%; aspect-ratio:1; object-fit:contain; border-radius:6px;
  background:var(--line); margin-bottom:6px; }
figure b { display:block; font-size:14px; line-height:1.3; color:var(--miss); }
figure small { display:block; line-height:1.35; }
figure .file { white-space:nowrap; overflow:hidden; text-overflow:ellipsis; }
footer { color:var(--muted); font-size:13px; }
@media (max-width:560px) { main { padding:18px 12px 28px; } section { padding:14px; }
  .number { padding:10px 12px; } .number b { font-size:22px; }
  .numbers { grid-template-columns:1fr 1fr; gap:8px; } th, td, th.n, td.n { padding-right:10px; } }
@media print { .long { max-height:none; } section { break-inside:avoid; } }
)css";

}  // namespace tl
