#!/usr/bin/perl
# Stands in one network namespace, sees every frame and every line of the rule trace there, and owns its sockets: Node.js
# has no packet, netlink or raw sockets and no IP_MTU_DISCOVER. Debian's perl-base is enough. It decides nothing. Its
# commands (recorder-process.ts) are lines on standard input:
#   listen tcp|udp|sctp ADDRESS PORT NAME     a server that answers with who it is and whom it sees
#   flow tcp|udp|sctp|icmp|raw FROM FROMPORT TO TOPORT OPTION=VALUE...    a client; `-` where FROM or FROMPORT is free
#   finish                               the client closes its socket
#   forget                               connections and learned path MTUs
#   connections                          asks for `connection TEXT` lines and `listed`
#   drain                                asks for `drained`, when all that came until now is told
# It says: `frame IFINDEX TYPE HEX`, `rule HEX`, `client KEY VALUE` (the last one is `client done`), `failed TEXT`.
use strict;
use warnings;
use Errno;
use Fcntl;
use Socket qw(:DEFAULT inet_pton inet_ntop pack_sockaddr_in6 unpack_sockaddr_in6 IPPROTO_TCP IPPROTO_UDP
  IPPROTO_ICMP IPPROTO_ICMPV6 IPPROTO_IPV6 IPPROTO_IP IPV6_V6ONLY IP_TTL IPV6_UNICAST_HOPS IP_MTU_DISCOVER
  IPV6_MTU_DISCOVER IP_MTU IPV6_MTU IP_HDRINCL TCP_NODELAY);

use constant {AF_NETLINK => 16, AF_PACKET => 17, NETLINK_NETFILTER => 12, IPPROTO_SCTP => 132, IPPROTO_RAW => 255, SO_RCVBUFFORCE => 33, ARPHRD_TUNNEL => 768};
use constant {ANSWER_BYTES => 160, SETTLE_SECONDS => 0.01, ECHO_IDENT => 16962, ECHO_BYTES => 56};

$SIG{PIPE} = $SIG{CHLD} = 'IGNORE';
$| = 1;
my %readers;    # file number -> [handle, what to do when it can be read]
my $client;     # a pipe: while it is open the client keeps its socket

sub watch { my ($handle, $action) = @_; $readers{fileno $handle} = [$handle, $action] }
sub leave { my ($handle) = @_; delete $readers{fileno $handle}; close $handle }
sub say_line { print join(' ', @_), "\n" }
sub errno_name { for my $name (keys %!) { return $name if $!{$name} } return 'EUNKNOWN' }

# --- addresses

sub is_v6 { $_[0] =~ /:/ }
sub packed { my ($address, $port) = @_; is_v6($address) ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $address)) : pack_sockaddr_in($port, inet_pton(AF_INET, $address)) }

sub shown {
    my ($name) = @_;
    if (sockaddr_family($name) == AF_INET) {
        my ($port, $address) = unpack_sockaddr_in($name);
        return inet_ntop(AF_INET, $address) . ":$port";
    }
    my ($port, $address) = unpack_sockaddr_in6($name);
    return '[' . inet_ntop(AF_INET6, $address) . "]:$port";
}

sub host_of { my ($name) = @_; shown($name) =~ /^\[?(.*?)\]?:\d+$/ ? $1 : '' }

sub opened {
    my ($address, $type, $protocol) = @_;
    socket(my $socket, is_v6($address) ? AF_INET6 : AF_INET, $type, $protocol) or die "socket: $!\n";
    return $socket;
}

sub option { my ($socket, $address, $v4, $v6, $value) = @_; setsockopt($socket, is_v6($address) ? IPPROTO_IPV6 : IPPROTO_IP, is_v6($address) ? $v6 : $v4, pack('i', $value)) or die "setsockopt: $!\n" }

# --- servers

sub answer { my ($name, $local, $peer) = @_; sprintf('%-' . (ANSWER_BYTES - 1) . "s\n", qq({"server": "$name", "local": "$local", "peer": "$peer"})) }

sub listen_udp {
    my ($address, $port, $name) = @_;
    my $server = opened($address, SOCK_DGRAM, IPPROTO_UDP);
    option($server, $address, undef, IPV6_V6ONLY, 1) if is_v6($address);
    bind($server, packed($address, $port)) or die "bind: $!\n";
    watch($server, sub {
        my $from = recv($server, my $data, 65536, MSG_DONTWAIT);
        send($server, answer($name, shown(packed($address, $port)), shown($from)), 0, $from) if $from;
    });
}

sub listen_stream {
    my ($protocol, $address, $port, $name) = @_;
    my $server = opened($address, SOCK_STREAM, $protocol);
    option($server, $address, undef, IPV6_V6ONLY, 1) if is_v6($address);
    setsockopt($server, SOL_SOCKET, SO_REUSEADDR, 1);
    bind($server, packed($address, $port)) && listen($server, 64) or die "listen: $!\n";
    watch($server, sub {
        my $peer = accept(my $connection, $server) or return;
        setsockopt($connection, IPPROTO_TCP, TCP_NODELAY, 1) if $protocol == IPPROTO_TCP;
        watch($connection, sub {
            my $bytes = sysread $connection, my $data, 65536;
            return leave($connection) unless $bytes;
            syswrite $connection, answer($name, shown(getsockname $connection), shown($peer)) if $data =~ /\n/;
        });
    });
}

# --- the client: a process of its own, so that a server here can answer it

sub start_client {
    my @words = @_;
    pipe(my $hold, $client) or die "pipe: $!\n";
    defined(my $child = fork) or die "fork: $!\n";
    if ($child) { close $hold; return }
    close $client;
    my ($protocol, $from, $from_port, $to, $to_port, %options) = map { /^(\w+)=(.*)$/ ? ($1, $2) : $_ } @words;
    my %clients = (tcp => \&run_tcp, sctp => \&run_sctp, udp => \&run_udp, icmp => \&run_echo, raw => \&run_raw);
    my $socket = eval { $clients{$protocol}->($from, $from_port, $to, $to_port, \%options) };
    say_line('failed', $@ =~ s/\n//r) if $@;
    select undef, undef, undef, SETTLE_SECONDS;
    say_line('client', 'done');
    sysread $hold, my $end, 1;
    exit 0;
}

sub result { say_line('client', 'result', @_) }

my %results = (
    ECONNREFUSED => 'refused', ECONNRESET => 'reset', EHOSTUNREACH => 'no-route-to-host', ETIMEDOUT => 'timeout',
    ENETUNREACH => 'network-unreachable', EPERM => 'not-permitted', EACCES => 'not-permitted',
);
sub failed { my ($name) = @_; result($results{$name} // $name) }

# Waits until a socket can be read or written; what is left of the time comes back in place of it.
sub ready {
    my ($socket, $writing) = @_;
    my $bits = '';
    vec($bits, fileno $socket, 1) = 1;
    (my $count, $_[2]) = $writing ? select(undef, $bits, undef, $_[2]) : select($bits, undef, undef, $_[2]);
    return $count > 0;
}

sub prepare {
    my ($socket, $from, $from_port, $to, $options) = @_;
    setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
    option($socket, $to, IP_TTL, IPV6_UNICAST_HOPS, $options->{ttl}) if $options->{ttl};
    my %discovery = (dont => 0, want => 1, do => 2, probe => 3);
    option($socket, $to, IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, $discovery{$options->{df}}) if $options->{df};
    return if $from eq '-' && $from_port eq '-';
    my $any = is_v6($to) ? '::' : '0.0.0.0';
    bind($socket, packed($from eq '-' ? $any : $from, $from_port eq '-' ? 0 : $from_port)) or die "bind: $!\n";
}

sub request { my ($options) = @_; defined $options->{size} ? 'x' x ($options->{size} - 1) . "\n" : "hello\n" }

sub tell_mtu {
    my ($socket, $to, $options) = @_;
    return unless defined $options->{size};
    my $mtu = is_v6($to) ? getsockopt($socket, IPPROTO_IPV6, IPV6_MTU) : getsockopt($socket, IPPROTO_IP, IP_MTU);
    say_line('client', 'pmtu', unpack 'i', $mtu) if $mtu;
}

sub run_tcp { run_stream(IPPROTO_TCP, @_) }
sub run_sctp { run_stream(IPPROTO_SCTP, @_) }

sub run_stream {
    my ($protocol, $from, $from_port, $to, $to_port, $options) = @_;
    my $socket = opened($to, SOCK_STREAM, $protocol);
    prepare($socket, $from, $from_port, $to, $options);
    setsockopt($socket, IPPROTO_TCP, TCP_NODELAY, 1) if $protocol == IPPROTO_TCP;
    fcntl($socket, F_SETFL, O_NONBLOCK);
    my $left = $options->{timeout};
    my $done = sub { tell_mtu($socket, $to, $options); result(@_); $socket };
    if (!connect($socket, packed($to, $to_port))) {
        if (!$!{EINPROGRESS}) { failed(errno_name()); return $socket }
        return $done->('timeout') unless ready($socket, 1, $left);
        if ($! = unpack('i', getsockopt($socket, SOL_SOCKET, SO_ERROR))) { failed(errno_name()); return $socket }
    }
    my ($waiting, $text) = (request($options), '');
    while ($waiting ne '' && ready($socket, 1, $left)) {
        my $bytes = syswrite $socket, $waiting;
        if (!defined $bytes) { failed(errno_name()); return $socket }
        substr($waiting, 0, $bytes) = '';
    }
    while ($text !~ /\n/) {
        return $done->('connected-no-answer') unless ready($socket, 0, $left);
        my $bytes = sysread $socket, $text, 65536, length $text;
        if (!defined $bytes) { failed(errno_name()); return $socket }
        if ($bytes == 0) { select undef, undef, undef, $left; return $done->('connected-no-answer') }
    }
    say_line('client', 'answer', $text =~ s/\s+$//r);
    return $done->('connected');
}

sub run_udp {
    my ($from, $from_port, $to, $to_port, $options) = @_;
    my $socket = opened($to, SOCK_DGRAM, IPPROTO_UDP);
    prepare($socket, $from, $from_port, $to, $options);
    if (!connect($socket, packed($to, $to_port))) { say_line('client', 'send', errno_name()); failed(errno_name()); return $socket }
    my $repeat = $options->{repeat} // 1;
    my $outcome;
    for my $attempt (1 .. $repeat) {
        my $sent = defined send($socket, request($options), 0) ? 'sent' : errno_name();
        say_line('client', 'send', $sent);
        $outcome = $results{$sent} // $sent if $sent ne 'sent' && $sent ne 'EMSGSIZE';
        last if $outcome;
        next if $sent ne 'sent' && $attempt < $repeat;
        my $left = $attempt < $repeat ? 0.1 : $options->{timeout};
        while (!$outcome && ready($socket, 0, $left)) {
            if (defined recv($socket, my $data, 65536, MSG_DONTWAIT)) {
                say_line('client', 'send', 'answered');
                say_line('client', 'answer', $data =~ s/\s+$//r);
                $outcome = 'reply';
            } else {
                my $name = errno_name();
                say_line('client', 'send', 'error', $name);
                last if $name eq 'EMSGSIZE' && $attempt < $repeat;
                $outcome = $results{$name} // $name if $name ne 'EMSGSIZE';
            }
        }
        last if $outcome;
    }
    tell_mtu($socket, $to, $options);
    result($outcome // 'timeout');
    return $socket;
}

sub checksum {
    my ($bytes) = @_;
    my $sum = 0;
    $sum += $_ for unpack 'n*', $bytes . (length($bytes) % 2 ? "\0" : '');
    $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
    return ~$sum & 0xffff;
}

sub run_echo {
    my ($from, $from_port, $to, $to_port, $options) = @_;
    my $v6 = is_v6($to);
    my $socket = opened($to, SOCK_RAW, $v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
    prepare($socket, $from, '-', $to, $options);
    my $rest = pack('nn', ECHO_IDENT, 1) . 'k' x ($options->{size} // ECHO_BYTES);
    my $type = $v6 ? 128 : 8;
    my $packet = pack('CCn', $type, 0, $v6 ? 0 : checksum(pack('CCn', $type, 0, 0) . $rest)) . $rest;
    if (!defined send($socket, $packet, 0, packed($to, 0))) { failed(errno_name()); return $socket }
    my $left = $options->{timeout};
    while (ready($socket, 0, $left)) {
        my $peer = recv($socket, my $data, 65536, MSG_DONTWAIT);
        if (!defined $peer) { failed(errno_name()); return $socket }
        my $ttl = $v6 ? undef : unpack 'C', substr $data, 8;
        my $icmp = $v6 ? $data : substr $data, (ord($data) & 15) * 4;
        my ($kind, $code, undef, $ident) = unpack 'CCnn', $icmp;
        if ($kind == ($v6 ? 129 : 0) && $ident == ECHO_IDENT) {
            my $hops = defined $ttl ? qq(, "ttl": $ttl) : '';
            say_line('client', 'answer', sprintf '{"from": "%s"%s}', host_of($peer), $hops);
            result('reply');
            return $socket;
        }
        next unless $v6 ? $kind < 128 : $kind == 3 || $kind == 11 || $kind == 12;
        my $quoted = substr $icmp, 8;
        my $echo = substr $quoted, $v6 ? 40 : (ord($quoted) & 15) * 4;
        my ($quoted_type, undef, undef, $quoted_ident) = unpack 'CCnn', $echo;
        next unless ($quoted_type // -1) == $type && $quoted_ident == ECHO_IDENT;
        say_line('client', 'answer', sprintf '{"from": "%s"}', host_of($peer));
        result(sprintf '%s-%d-%d', $v6 ? 'icmp6' : 'icmp', $kind, $code);
        return $socket;
    }
    result('timeout');
    return $socket;
}

# One hand-made TCP segment; nobody waits for an answer.
sub run_raw {
    my ($from, $from_port, $to, $to_port, $options) = @_;
    my $v6 = is_v6($to);
    my %bits = (F => 1, S => 2, R => 4, P => 8, A => 16, U => 32);
    my $flags = 0;
    $flags |= $bits{$_} for split //, $options->{flags} // '';
    my ($source, $destination) = map { inet_pton($v6 ? AF_INET6 : AF_INET, $_) } $from, $to;
    my $segment = sub { pack 'nnNNCCnnn', $from_port, $to_port, 1000, 0, 5 << 4, $flags, 64240, $_[0], 0 };
    my $pseudo = $source . $destination . pack($v6 ? 'NN' : 'nn', $v6 ? (20, 6) : (6, 20));
    my $sum = checksum($pseudo . $segment->(0));
    $sum ^= 0x5555 if $options->{badsum};
    my $header = $v6 ? pack('NnCC', 6 << 28, 20, 6, 64) : pack('CCnnnCCn', 0x45, 0, 40, 1, 0, 64, 6, 0);
    my $socket = opened($to, SOCK_RAW, IPPROTO_RAW);
    my $sent = send($socket, $header . $source . $destination . $segment->($sum), 0, packed($to, 0));
    my $error = errno_name();
    select undef, undef, undef, $options->{timeout};
    defined $sent ? result('sent') : failed($error);
    return $socket;
}

# --- what is seen: packet(7), and group 0 of nfnetlink_log

sub watch_frames {
    socket(my $tap, AF_PACKET, SOCK_RAW, unpack 'S', pack 'n', 3) or die "packet socket: $!\n";
    setsockopt($tap, SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24);
    my $read = sub {
        while (my $name = recv($tap, my $frame, 65536, MSG_DONTWAIT)) {
            my (undef, $protocol, $index, $hardware, $type) = unpack 'SnlSC', $name;
            $frame = pack('x12n', $protocol) . $frame if $hardware == ARPHRD_TUNNEL;
            say_line('frame', $index, $type, unpack 'H*', $frame);
        }
    };
    watch($tap, $read);
    return $read;
}

sub attribute { my ($type, $value) = @_; pack('SS', 4 + length $value, $type) . $value . "\0" x (-length($value) & 3) }

sub watch_rules {
    socket(my $log, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER) or die "netlink socket: $!\n";
    setsockopt($log, SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24);
    bind($log, pack 'SSLL', AF_NETLINK, 0, 0, 0) or die "netlink bind: $!\n";
    # NFULNL_MSG_CONFIG for group 0: bind to it; copy whole packets; hand over each line at once (threshold 1).
    my @settings = (attribute(1, pack 'C', 1), attribute(2, pack 'NCC', 0xffff, 2, 0), attribute(5, pack 'N', 1));
    for my $setting (@settings) {
        my $body = pack('CCn', 0, 0, 0) . $setting;
        send($log, pack('LSSLL', 16 + length $body, 4 << 8 | 1, 1, 0, 0) . $body, 0) or die "netlink send: $!\n";
    }
    my $read = sub {
        while (defined recv($log, my $data, 1 << 17, MSG_DONTWAIT)) {
            while (length $data >= 16) {
                my ($length, $type) = unpack 'LS', $data;
                last if $length < 16;
                say_line('rule', unpack 'H*', substr $data, 16, $length - 16) if $type == (4 << 8);
                substr($data, 0, ($length + 3) & ~3) = '';
            }
        }
    };
    watch($log, $read);
    return $read;
}

# IPCTNL_MSG_CT_DELETE without a tuple: all connections. Writing route/flush makes exceptions of the routes old.
sub forget_all {
    socket(my $conntrack, AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER) or die "netlink socket: $!\n";
    send($conntrack, pack('LSSLLCCn', 20, 1 << 8 | 2, 1, 0, 0, 0, 0, 0), 0);
    for my $family ('ipv4', 'ipv6') {
        open(my $flush, '>', "/proc/sys/net/$family/route/flush") or next;
        syswrite $flush, "1";
    }
}

# Kernels without nf_conntrack in /proc have conntrack(8).
sub tell_connections {
    my $table;
    open($table, '<', '/proc/net/nf_conntrack') or open($table, '-|', 'conntrack -L -f ipv4; conntrack -L -f ipv6') or die "conntrack: $!\n";
    print "connection $_" for <$table>;
    say_line('listed');
}

# --- commands

my @captures = (watch_frames(), watch_rules());
my $commands = '';
watch(\*STDIN, sub {
    exit 0 unless sysread STDIN, $commands, 65536, length $commands;
    while ($commands =~ s/^(.*)\n//) {
        my ($verb, @words) = split / /, $1;
        if ($verb eq 'listen') { my $protocol = shift @words; $protocol eq 'udp' ? listen_udp(@words) : listen_stream($protocol eq 'tcp' ? IPPROTO_TCP : IPPROTO_SCTP, @words) }
        elsif ($verb eq 'flow') { start_client(@words) }
        elsif ($verb eq 'finish') { close $client }
        elsif ($verb eq 'forget') { forget_all() }
        elsif ($verb eq 'connections') { tell_connections() }
        elsif ($verb eq 'drain') { $_->() for @captures; say_line('drained') }
    }
});
say_line('ready');
while (1) {
    my $bits = '';
    vec($bits, $_, 1) = 1 for keys %readers;
    next if select($bits, undef, undef, undef) < 0;
    for my $number (keys %readers) {
        my $reader = $readers{$number};
        $reader->[1]->() if $reader && vec $bits, $number, 1;
    }
}
