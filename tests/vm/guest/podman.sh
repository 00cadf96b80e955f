# Sourced by root.sh: a root whose kernel can run containers that have networks.
# shellcheck shell=bash
install_modules root overlay veth bridge br_netfilter nf_tables nft_compat nft_chain_nat xt_MASQUERADE xt_addrtype xt_comment xt_conntrack \
    xt_mark xt_multiport xt_nat xt_tcpudp xt_DNAT ipt_REJECT
