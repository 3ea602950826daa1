/* SPDX-License-Identifier: MIT */
/*
 * cmpx._words: words in native memory and the cmpxchg family on them.
 *
 * A word is a window on a writable, aligned buffer that it keeps exported, so that
 * the owner can neither free, resize nor close the memory under it. Every call takes
 * a word, or any other buffer of 1, 2, 4 or 8 bytes. The interpreter lock stays held:
 * the instruction does not need it, but a call is shorter than dropping it.
 * Bad arguments go to functions of cmpx.words, which raise in the reader's language.
 */
#include <pyconfig.h>
#ifdef Py_GIL_DISABLED
#error "cmpx does not support free-threaded Python yet: build it with a standard Python, 3.11 or newer"
#endif
#include <Python.h>
#include <stdarg.h>

#include "cmpxchg.h"
#include "words_doc.h"

#define LINE 64

struct place {
	void *cell;
	size_t size;
	Py_buffer view; /* keeps the memory */
};

struct word {
	PyObject_HEAD
	struct place place;
};

struct block {
	PyObject_VAR_HEAD
	char room[]; /* LINE - 1 bytes more than asked for, to start on a line */
};

struct state {
	PyTypeObject *word, *block;
	PyTypeObject *last; /* of the last word seen: spares it the walk up to word */
	PyObject *tried; /* cmpx.words.Tried, from the first try_cmpxchg on */
};

static struct place *place_of(PyObject *word)
{
	return &((struct word *)word)->place;
}

static PyObject *from_words(const char *name)
{
	PyObject *words = PyImport_ImportModule("cmpx.words");
	PyObject *found = words ? PyObject_GetAttrString(words, name) : NULL;

	Py_XDECREF(words);
	return found;
}

/* Call cmpx.words.<how> with what is wrong: it raises. NULL, for the caller to return. */
static __attribute__((cold, noinline)) void *refuse(const char *how, const char *format, ...)
{
	PyObject *raiser = from_words(how), *args = NULL;
	va_list values;

	if (raiser) {
		va_start(values, format);
		args = Py_VaBuildValue(format, values);
		va_end(values);
	}
	if (args)
		Py_XDECREF(PyObject_CallObject(raiser, args));
	Py_XDECREF(args);
	Py_XDECREF(raiser);
	return NULL;
}

static bool fits(PyObject *number, size_t size, uint64_t *value)
{
	*value = PyLong_AsUnsignedLongLong(number);
	if (*value == UINT64_MAX && PyErr_Occurred()) {
		PyErr_Clear();
		return false;
	}
	return size == 8 || *value >> (8 * size) == 0;
}

static __attribute__((cold, noinline)) bool to_number_slow(PyObject *o, size_t size,
							   uint64_t *value)
{
	PyObject *number;
	bool ok;

	number = PyBool_Check(o) ? NULL : PyNumber_Index(o);
	if (!number) {
		if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_TypeError))
			return false;
		PyErr_Clear();
		return refuse("_not_a_number", "(O)", o);
	}
	ok = fits(number, size, value);
	if (!ok)
		refuse("_out_of_range", "(On)", number, (Py_ssize_t)size);
	Py_DECREF(number);
	return ok;
}

static inline bool to_number(PyObject *o, size_t size, uint64_t *value)
{
	return (PyLong_CheckExact(o) && fits(o, size, value)) || to_number_slow(o, size, value);
}

/* Hold size bytes at index, or (size 0) all of the buffer, if an atomic can work there. */
static bool hold(struct place *place, PyObject *buffer, PyObject *index, Py_ssize_t size)
{
	Py_ssize_t offset = index ? PyNumber_AsSsize_t(index, NULL) : 0, past;
	Py_buffer *view = &place->view;
	PyObject *type, *cause, *traceback;

	if (!PyObject_CheckBuffer(buffer))
		return refuse("_not_a_buffer", "(O)", buffer);
	if (PyObject_GetBuffer(buffer, view, PyBUF_WRITABLE) < 0) {
		PyErr_Fetch(&type, &cause, &traceback);
		PyErr_NormalizeException(&type, &cause, &traceback);
		Py_XDECREF(type);
		Py_XDECREF(traceback);
		return refuse("_no_access", "(ON)", buffer, cause);
	}
	if (!size)
		size = view->len;
	place->size = size;
	if (size != 1 && size != 2 && size != 4 && size != 8) {
		refuse("_wrong_size", "(On)", buffer, size);
	} else if (offset < 0 || offset > view->len - size) {
		refuse("_outside", "(OnOn)", buffer, view->len, index, size);
	} else {
		place->cell = (char *)view->buf + offset;
		past = (uintptr_t)place->cell % size;
		if (!past)
			return true;
		refuse("_misaligned", "(nn)", size, past);
	}
	PyBuffer_Release(view);
	return false;
}

static __attribute__((noinline)) bool is_word(struct state *state, PyObject *o)
{
	PyTypeObject *last = state->last;

	if (!PyObject_TypeCheck(o, state->word))
		return false;
	state->last = (PyTypeObject *)Py_NewRef((PyObject *)Py_TYPE(o));
	Py_XDECREF((PyObject *)last);
	return true;
}

enum form { CMPXCHG, CMPXCHG64, TRY_CMPXCHG, XCHG };

static PyObject *tried(struct state *state, bool ok, uint64_t seen)
{
	PyObject *pair, *result;

	if (!state->tried && !(state->tried = from_words("Tried")))
		return NULL;
	pair = Py_BuildValue("(NK)", PyBool_FromLong(ok), (unsigned long long)seen);
	result = pair ? PyObject_CallFunctionObjArgs(state->tried, pair, NULL) : NULL;
	Py_XDECREF(pair);
	return result;
}

/* Numbers are read while the place is held: an __index__ that tampers with it is refused. */
CMPX_INLINE PyObject *operate(PyObject *module, PyObject *const *args, Py_ssize_t nargs,
			      const char *usage, enum form form, enum cmpx_order order)
{
	struct state *state = PyModule_GetState(module);
	struct place held, *place = &held;
	uint64_t old = 0, new;
	PyObject *result = NULL;
	bool ok = false;

	if (nargs != (form == XCHG ? 2 : 3))
		return refuse("_wrong_count", "(sn)", usage, nargs);
	if (Py_TYPE(args[0]) == state->last || is_word(state, args[0]))
		place = place_of(args[0]);
	else if (!hold(&held, args[0], NULL, 0))
		return NULL;
	if (form == CMPXCHG64 && place->size != 8) {
		refuse("_not_64", "(On)", args[0], (Py_ssize_t)place->size);
	} else if ((form == XCHG || to_number(args[1], place->size, &old)) &&
		   to_number(args[nargs - 1], place->size, &new)) {
		if (form == XCHG)
			old = cmpx_xchg(place->cell, new, place->size);
		else
			ok = cmpx_try_cmpxchg(place->cell, &old, new, place->size, order);
		if (form == TRY_CMPXCHG)
			result = tried(state, ok, old);
		else if (ok && PyLong_CheckExact(args[1]))
			result = Py_NewRef(args[1]); /* the value found is old: no new int */
		else
			result = PyLong_FromUnsignedLongLong(old);
	}
	if (place == &held)
		PyBuffer_Release(&held.view);
	return result;
}

#define FUNCTION(name, values, form, order)                                                        \
	static PyObject *name(PyObject *module, PyObject *const *args, Py_ssize_t nargs)           \
	{                                                                                          \
		return operate(module, args, nargs, #name "(word, " values ")", form, order);      \
	}

FUNCTION(cmpxchg, "old, new", CMPXCHG, CMPX_FULL)
FUNCTION(cmpxchg_relaxed, "old, new", CMPXCHG, CMPX_RELAXED)
FUNCTION(cmpxchg_acquire, "old, new", CMPXCHG, CMPX_ACQUIRE)
FUNCTION(cmpxchg_release, "old, new", CMPXCHG, CMPX_RELEASE)
FUNCTION(cmpxchg64, "old, new", CMPXCHG64, CMPX_FULL)
FUNCTION(try_cmpxchg, "old, new", TRY_CMPXCHG, CMPX_FULL)
FUNCTION(xchg, "new", XCHG, CMPX_FULL)

/* Whole cache lines, so that nothing else of the process shares the last one. */
static PyObject *block(PyObject *module, PyObject *arg)
{
	struct state *state = PyModule_GetState(module);
	uint64_t nbytes;

	if (!to_number(arg, 2, &nbytes))
		return NULL;
	nbytes = (nbytes + LINE - 1) / LINE * LINE;
	return PyType_GenericAlloc(state->block, nbytes + LINE - 1);
}

static int block_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
	char *room = ((struct block *)self)->room;

	return PyBuffer_FillInfo(view, self, room + -(uintptr_t)room % LINE,
				 Py_SIZE(self) - (LINE - 1), 0, flags);
}

static void block_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
	Py_DECREF(type);
}

static PyObject *word_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	PyObject *buffer, *index, *word;
	Py_ssize_t size;

	(void)kwargs;
	if (!PyArg_ParseTuple(args, "OO!n:Word", &buffer, &PyLong_Type, &index, &size))
		return NULL;
	word = PyType_GenericAlloc(type, 0);
	if (word && !hold(place_of(word), buffer, index, size))
		Py_CLEAR(word);
	return word;
}

static PyObject *word_int(PyObject *self)
{
	struct place *place = place_of(self);

	return PyLong_FromUnsignedLongLong(cmpx_read(place->cell, place->size));
}

static PyObject *word_value(PyObject *self, void *closure)
{
	(void)closure;
	return word_int(self);
}

static int word_set_value(PyObject *self, PyObject *number, void *closure)
{
	struct place *place = place_of(self);
	uint64_t value;

	(void)closure;
	if (!number)
		refuse("_no_delete", "()");
	if (!number || !to_number(number, place->size, &value))
		return -1;
	cmpx_write(place->cell, value, place->size);
	return 0;
}

static int word_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
	struct place *place = place_of(self);

	return PyBuffer_FillInfo(view, self, place->cell, place->size, 0, flags);
}

/* No tp_clear: a word is younger than its owner, so a cycle has another, mutable link to cut. */
static int word_traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	Py_VISIT(place_of(self)->view.obj);
	return 0;
}

static void word_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	PyBuffer_Release(&place_of(self)->view);
	((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
	Py_DECREF(type);
}

static PyGetSetDef word_getset[] = {
	{ "value", word_value, word_set_value, VALUE_DOC, NULL },
	{ 0 },
};

static PyType_Slot word_slots[] = {
	{ Py_tp_doc,
	  "A window of size bytes at offset in a buffer; the base of u8, u16, u32 and u64." },
	{ Py_tp_new, word_new },
	{ Py_tp_dealloc, word_dealloc },
	{ Py_tp_traverse, word_traverse },
	{ Py_tp_getset, word_getset },
	{ Py_nb_int, word_int },
	{ Py_bf_getbuffer, word_getbuffer },
	{ 0 },
};

static PyType_Spec word_spec = {
	.name = "cmpx._words.Word",
	.basicsize = sizeof(struct word),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC |
		 Py_TPFLAGS_IMMUTABLETYPE,
	.slots = word_slots,
};

static PyType_Slot block_slots[] = {
	{ Py_tp_doc, "Memory on cache lines of its own." },
	{ Py_tp_dealloc, block_dealloc },
	{ Py_bf_getbuffer, block_getbuffer },
	{ 0 },
};

static PyType_Spec block_spec = {
	.name = "cmpx._words.Block",
	.basicsize = sizeof(struct block),
	.itemsize = 1,
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
	.slots = block_slots,
};

#define FASTCALL(name, doc) { #name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, doc }

static PyMethodDef functions[] = {
	FASTCALL(cmpxchg, CMPXCHG_DOC),
	FASTCALL(cmpxchg_relaxed, CMPXCHG_RELAXED_DOC),
	FASTCALL(cmpxchg_acquire, CMPXCHG_ACQUIRE_DOC),
	FASTCALL(cmpxchg_release, CMPXCHG_RELEASE_DOC),
	FASTCALL(cmpxchg64, CMPXCHG64_DOC),
	FASTCALL(try_cmpxchg, TRY_CMPXCHG_DOC),
	FASTCALL(xchg, XCHG_DOC),
	{ "block", block, METH_O, BLOCK_DOC },
	{ 0 },
};

static int words_exec(PyObject *module)
{
	struct state *state = PyModule_GetState(module);

	state->block = (PyTypeObject *)PyType_FromModuleAndSpec(module, &block_spec, NULL);
	state->word = (PyTypeObject *)PyType_FromModuleAndSpec(module, &word_spec, NULL);
	return state->block && state->word ? PyModule_AddType(module, state->word) : -1;
}

static int words_traverse(PyObject *module, visitproc visit, void *arg)
{
	struct state *state = PyModule_GetState(module);

	Py_VISIT(state->word);
	Py_VISIT(state->last);
	Py_VISIT(state->block);
	Py_VISIT(state->tried);
	return 0;
}

static int words_clear(PyObject *module)
{
	struct state *state = PyModule_GetState(module);

	Py_CLEAR(state->word);
	Py_CLEAR(state->last);
	Py_CLEAR(state->block);
	Py_CLEAR(state->tried);
	return 0;
}

static PyModuleDef_Slot module_slots[] = {
	{ Py_mod_exec, words_exec },
	{ 0 },
};

static struct PyModuleDef module_def = {
	PyModuleDef_HEAD_INIT,
	.m_name = "cmpx._words",
	.m_doc = "Words in native memory, and the kernel's cmpxchg family on them.",
	.m_size = sizeof(struct state),
	.m_methods = functions,
	.m_slots = module_slots,
	.m_traverse = words_traverse,
	.m_clear = words_clear,
};

PyMODINIT_FUNC PyInit__words(void)
{
	return PyModuleDef_Init(&module_def);
}
