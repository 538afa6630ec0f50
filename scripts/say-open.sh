#!/bin/sh
# Prints the variables of a consumer that is started for a developer's own machine.
printf '%s\n' \
    'open_handshake=true: any caller may give the consumer a key. Elsewhere set handshake_token.' \
    'weakest_scheme=plain: X-Signature alone is accepted. The default accepts webhook-signature alone.'
