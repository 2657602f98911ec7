import { FieldError, Input, Label, Text, TextArea, TextField as AriaTextField } from "react-aria-components";
import type { TextFieldProps as AriaTextFieldProps } from "react-aria-components";
import styles from "./Field.module.css";

export interface TextFieldProps extends Omit<AriaTextFieldProps, "className" | "style" | "children"> {
  label: string;
  hint?: string | undefined;
  /** What the server refused about it; said in the field's place. */
  error?: string | undefined;
  placeholder?: string;
  /** More than one: a text area. */
  rows?: number;
}

export function TextField({ label, hint, error, placeholder, rows = 1, ...rest }: TextFieldProps) {
  return (
    <AriaTextField {...rest} isInvalid={error !== undefined || undefined} className={styles.field ?? ""}>
      <Label className={styles.label ?? ""}>{label}</Label>
      {rows > 1 ? (
        <TextArea className={styles.input ?? ""} rows={rows} placeholder={placeholder} />
      ) : (
        <Input className={styles.input ?? ""} placeholder={placeholder} />
      )}
      {hint && (
        <Text slot="description" className={styles.hint ?? ""}>
          {hint}
        </Text>
      )}
      <FieldError className={styles.error ?? ""}>{error ?? undefined}</FieldError>
    </AriaTextField>
  );
}
