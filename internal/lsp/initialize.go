package lsp

import "path/filepath"

// What a client says of itself, as far as it matters here.
type initializeParams struct {
	RootURI          string `json:"rootUri"`
	WorkspaceFolders []struct {
		URI string `json:"uri"`
	} `json:"workspaceFolders"`
	Options struct {
		// FilesDir is absolute, or below the root of the workspace.
		FilesDir string `json:"filesDir"`
	} `json:"initializationOptions"`
	Capabilities struct {
		General struct {
			PositionEncodings []encoding `json:"positionEncodings"`
		} `json:"general"`
		Workspace struct {
			WorkspaceEdit struct {
				DocumentChanges bool `json:"documentChanges"`
			} `json:"workspaceEdit"`
		} `json:"workspace"`
	} `json:"capabilities"`
}

type clientSettings struct {
	encoding encoding
	// documentChanges reports whether edits can name the version that they are for.
	documentChanges bool
}

func (s *server) initialize(p *initializeParams) (any, error) {
	if s.initialized {
		return nil, failure(codeInvalidRequest, "the server was initialized before")
	}
	s.initialized = true
	s.client = clientSettings{
		encoding:        chooseEncoding(p.Capabilities.General.PositionEncodings),
		documentChanges: p.Capabilities.Workspace.WorkspaceEdit.DocumentChanges,
	}
	s.setFilesDir(p)
	return map[string]any{
		"serverInfo": map[string]any{"name": "firstlightctl", "version": s.Version},
		"capabilities": map[string]any{
			"positionEncoding":           s.client.encoding,
			"textDocumentSync":           map[string]any{"openClose": true, "change": fullText, "save": true},
			"completionProvider":         map[string]any{"triggerCharacters": []string{" ", "\"", paramTrigger}},
			"hoverProvider":              true,
			"definitionProvider":         true,
			"documentSymbolProvider":     true,
			"codeActionProvider":         map[string]any{"codeActionKinds": []string{quickFix}},
			"documentFormattingProvider": true,
		},
	}, nil
}

// fullText is the kind of synchronisation in which each change has the whole text: there
// is no state in which client and server could differ.
const fullText = 1

// setFilesDir makes the directory of local files absolute, if the client names one.
func (s *server) setFilesDir(p *initializeParams) {
	dir := p.Options.FilesDir
	if dir == "" {
		return
	}
	if !filepath.IsAbs(dir) {
		root := pathOf(p.RootURI)
		if root == "" && len(p.WorkspaceFolders) > 0 {
			root = pathOf(p.WorkspaceFolders[0].URI)
		}
		dir = filepath.Join(root, dir)
	}
	s.FilesDir = dir
}
