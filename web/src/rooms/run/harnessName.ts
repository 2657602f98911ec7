/** The name of the module that stands for test libraries: it gives what is global here anyway. */
export const HARNESS = "(harness)";
