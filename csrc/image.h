/* SPDX-License-Identifier: MIT */
/* Where a loaded listing lies in memory, and which part of it its globals are. */
#ifndef CMPX_IMAGE_H
#define CMPX_IMAGE_H

#include <link.h>
#include <stddef.h>
#include <stdint.h>

struct image {
	uint8_t *start, *end;
	uint8_t *data;
	size_t data_size; /* a multiple of 8 */
};

/* Globals are what is writable and not made read-only again after relocation. */
static inline struct image image_of(const struct link_map *link)
{
	struct image image = { .start = (uint8_t *)link->l_addr };
	const ElfW(Ehdr) *header = (const ElfW(Ehdr) *)image.start;
	const ElfW(Phdr) *segment = (const ElfW(Phdr) *)(image.start + header->e_phoff);
	uint8_t *frozen = NULL, *start = NULL, *end = NULL;

	for (unsigned i = 0; i < header->e_phnum; i++, segment++) {
		uint8_t *from = image.start + segment->p_vaddr, *to = from + segment->p_memsz;

		if (segment->p_type == PT_GNU_RELRO)
			frozen = (uint8_t *)(((uintptr_t)to + 4095) & ~(uintptr_t)4095);
		if (segment->p_type != PT_LOAD)
			continue;
		image.end = to > image.end ? to : image.end;
		if (segment->p_flags & PF_W) {
			start = from;
			end = (uint8_t *)(((uintptr_t)to + 7) & ~(uintptr_t)7);
		}
	}
	image.data = (uint8_t *)((uintptr_t)(frozen > start ? frozen : start) & ~(uintptr_t)7);
	image.data_size = end > image.data ? end - image.data : 0;
	return image;
}

#endif
