// Waiting for conditions, and ending with a result on standard output.
export const until = async (condition, patience = 15000) => {
  const deadline = Date.now() + patience
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export const done = (result) => {
  process.stdout.write(JSON.stringify(result), () => process.exit(0))
}
