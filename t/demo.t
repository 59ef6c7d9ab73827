#!/usr/bin/perl
use strict;
use warnings;
use FindBin;
use Test::More;

# What ./bootstrap demo shows is what the switch does: every step is seen, in order, in time.
my $began = time;
my @line = `"$^X" "$FindBin::Bin/demo" 2>&1`;
is($? >> 8, 0, 'the demo says by its exit status that all was seen') or diag(@line);
cmp_ok(time - $began, '<', 40, 'in under 40 seconds');
my @steps = (qr/listens on/, qr/1001 registered with digest/, qr/behind NAT: .* source 127\.0\.0\.2/,
	qr/1002 registered/, qr/heartbeat.*48 45 4C 4C 4F/, qr/it rings/, qr/media is relayed/,
	qr/RTP flows both ways/, qr/sessions were refreshed/, qr/hangs up/, qr/record of the call/,
	qr/media_relayed\s+1/, qr/good order/);
my $at = 0;
for my $step (@steps) {
	$at++ while $at < @line && $line[$at] !~ $step;
	ok($at < @line, "seen, in its place: $step");
}
done_testing();
