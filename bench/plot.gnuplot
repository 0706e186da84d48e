# Draws doc/benchmark.svg from the stored table: make bench-plot
stored = "doc/benchmark.tsv"

# The lines of a row, the dearest first: median, least, most, title.
figures(row) = sprintf("< awk -F'\\t' '$1 == \"%s\" { print $4 \"\\t\" $5 \"\\t\" $6 \"\\t\" $2 }' %s | sort -gr", \
  row, stored)
count(row) = int(system(sprintf("grep -c '^%s\t' %s", row, stored)))
colour(title) = title[1:9] eq "anthropic" ? 0x1f6fb4 : strstrt(title, "discarding") ? 0xb0b0b0 : 0xe0a050
show(x) = x < 1 ? sprintf("%.3f", x) : x < 10 ? sprintf("%.2f", x) : x < 100 ? sprintf("%.1f", x) : sprintf("%.0f", x)

array rows[3] = ["stream-events", "paced-1000", "requests"]
array titles[3] = ["100,000 deltas of one stream, each decoded: µs of CPU for each event", \
  "1,000 streams at once, an event in 50 ms each: µs of CPU for each event", \
  "1,000 short requests over one connection: µs of CPU for each"]
array least[3] = [0.01, 1, 10]
array most[3] = [100, 1000, 10000]

BAR = 22
MARGIN = 70
height = 0
do for [i = 1:3] { height = height + BAR * count(rows[i]) + MARGIN }

set terminal svg size 860,height font "sans-serif,13" background "#ffffff"
set output "doc/benchmark.svg"
set datafile separator "\t"
set style fill solid noborder
set logscale x
set border 1 lc rgb "#888888"
set grid xtics lc rgb "#dddddd"
set xtics nomirror format "%g" textcolor rgb "#333333"
set ytics nomirror scale 0 textcolor rgb "#333333"
set errorbars small
set lmargin at screen 0.30
set rmargin at screen 0.93
unset key
set multiplot
top = height
do for [i = 1:3] {
  bars = BAR * count(rows[i])
  set tmargin at screen (top - 35.0) / height
  set bmargin at screen (top - 35.0 - bars) / height
  top = top - bars - MARGIN
  set title titles[i] offset 0,-0.3
  set xrange [least[i]:most[i]]
  set yrange [-0.6:count(rows[i]) - 0.4]
  plot figures(rows[i]) using 1:0:(least[i]):1:($0 - 0.36):($0 + 0.36):(colour(strcol(4))):ytic(4) \
      with boxxyerror lc rgb variable, \
    "" using 1:0:2:3 with xerrorbars pt 0 lc rgb "#333333", \
    "" using ($3 * 1.08):0:(show($1)) with labels left
}
unset multiplot
