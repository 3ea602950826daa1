/* fails: all */
bool pre_block(struct pi_desc *pi_desc, u32 pre_pcpu) {
