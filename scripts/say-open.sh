#!/bin/sh
# Says what the consumer is started with where it is meant for one's own machine.
printf '%s\n' \
    'open_handshake=true: any caller may give the consumer a key. Elsewhere set handshake_token.' \
    'weakest_scheme=plain: X-Signature alone is accepted. The default accepts webhook-signature alone.'
